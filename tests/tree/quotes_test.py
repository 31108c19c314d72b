#!/usr/bin/env python3
"""The lines of our programs that docs/troubleshooting.md quotes are lines they can say.

In its indented blocks a line that begins as one of ours must end in what a string of the sources prints, its conversions
standing for anything. So whoever rewords a message is told to reword the page.
"""
import errno
import os
import re

from source import ROOT, code, files, finish

PAGE = "docs/troubleshooting.md"
OURS = re.compile(r" {4,}(?:(?:bothy|hint|domaind|consoled|xenstored): |\((?:hv|d\d+)\) )")
STRINGS = re.compile(r'"(?:\\.|[^"\\\n])*"(?:\s*"(?:\\.|[^"\\\n])*")*')
CONVERSION = re.compile(r"%[-+ #0-9.*]*(?:hh|h|ll|l|z|j)?[a-zA-Z]")
# Letters that a string must have beside its conversions to stand for a message.
LETTERS = 8


def messages():
    """A pattern of what the strings of the programs print, and of what strerror() adds; an error's number may follow."""
    found = {re.escape(os.strerror(number)) for number in errno.errorcode}
    for path in files(("hv", "lib", "dom0", "toolstack"), (".c", ".h")):
        for match in STRINGS.finditer(code(path)):
            string = re.sub(r'"\s*"', "", match[0])[1:-1]
            string = string.replace(r"\"", '"').replace(r"\n", "").strip()
            parts = CONVERSION.split(string)
            if sum(c.isalpha() for part in parts for c in part) >= LETTERS:
                found.add(".*".join(re.escape(part.replace("%%", "%")) for part in parts))
    return re.compile("(?:^|[ :])(?:" + "|".join(sorted(found, key=len, reverse=True)) + r")(?: \(-\d+\))?$")


def main():
    known = messages()
    quotes = [(n, line) for n, line in enumerate((ROOT / PAGE).read_text().splitlines(), 1) if OURS.match(line)]
    faults = [f"{PAGE}:{n}: nothing in the sources says: {line.strip()}" for n, line in quotes if not known.search(line)]
    if not quotes or not known.search('bothy: name: "web" is taken by domain 4') or known.search("bothy: taken by web"):
        faults.append("the patterns find what is not there, or not what is")
    finish(faults)


if __name__ == "__main__":
    main()
