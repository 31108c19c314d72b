#!/usr/bin/env python3
"""Write what a tour printed, shortened, to docs/tour.md; `make transcript` records it and calls this.

    tests/system/transcript.py RECORD       the output of tour.py; that of one that failed is refused

Every step and every command stays. Of long outputs and of long lines the middle or the end is cut, and each cut says so.
"""
import datetime
import pathlib
import re
import sys

from machine import accelerator

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/tour.md"
END = "the machine is off: every step held"
INDENT = " " * 11
COMMAND = re.compile(INDENT + r"(\w+|root@\w+:~)# ")
STEP = re.compile(r"\[ *(\d+)\.\d s\] ")
# Of an output that is longer than both and two lines more.
FIRST, LAST = 6, 3
WIDTH = 120
HEAD = """# The tour, as it was recorded

`make demo` on {date}: commit {commit}, under {machine}, {minutes} minutes. `make transcript` runs it
again and writes this page. In brackets is the time since the start; `bothy#` is dom0's prompt, the others are those of
guests' consoles. Where an output is long its middle is left out, and the end of long lines, always with a mark: [...].

```
{story}
```
"""


def shorten(lines):
    """A command's output, without its middle."""
    cut = len(lines) - FIRST - LAST
    return lines if cut <= 2 else [*lines[:FIRST], f"{INDENT}[... {cut} lines]", *lines[-LAST:]]


def fit(line):
    line = line.replace(INDENT, "    ", 1) if line.startswith(INDENT) else line
    return line if len(line) <= WIDTH else line[:WIDTH - 6] + " [...]"


def story(record):
    told, output = [], []
    for line in record.splitlines():
        if COMMAND.match(line) or STEP.match(line):
            told += shorten(output)
            # A blank line between a step and what was done before it.
            told += [""] * bool(told and STEP.match(line) and not STEP.match(told[-1])) + [line]
            output = []
        elif told:
            output.append(line)
    return "\n".join(fit(line).rstrip() for line in told + shorten(output))


def page(record, date, machine):
    if END not in record:
        sys.exit("this tour did not come to its end")
    commit = re.search(r"Bothy (\S+) on Xen's", record)[1]
    seconds = int(STEP.match(record[record.rindex("["):])[1])
    return HEAD.format(date=date, commit=commit, machine=machine, minutes=round(seconds / 60), story=story(record))


def main():
    machine = {"tcg": "QEMU's emulator", "kvm": "KVM"}[accelerator()]
    PAGE.write_text(page(pathlib.Path(sys.argv[1]).read_text(), datetime.date.today(), machine))


if __name__ == "__main__":
    main()
