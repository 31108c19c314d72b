#!/usr/bin/env python3
"""Replay lists of the fuzzer's operations hosted and under QEMU, and compare what every one did.

The hosted replay (replay/replay.c) carries a list out, tells the outcome of each operation and the
state after it, and writes the list for the replay kernel (tests/guest/replay), which plays it with
real domains: slot 0 is dom0, the others are unprivileged boot modules. Both print the same words
(replay/trace.h); the first line that differs is a finding, about the model of the machine or about
the code that only the machine runs.

    tests/fuzz/replay_test.py            lists/*.ops and generated ones
    tests/fuzz/replay_test.py LIST...    these; where they part the difference of the states is shown
    tests/fuzz/replay_test.py --seed N [COUNT]      what the generator makes of a seed
    environment: O, HV, CPU
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

BUILD = pathlib.Path(os.environ.get("O", "build"))
KERNEL = BUILD / "guest/replay.elf"
LISTS = pathlib.Path(__file__).parent / "lists"
SEEDS, OPERATIONS = (21, 23, 26), 500
TIMEOUT = 120
NEVER = 0xffffffff


def hosted(what, binary, dump=NEVER):
    """Replay hosted; returns (lines, the operations' texts, slots)."""
    run = subprocess.run([BUILD / "host/replay", "--binary", binary, "--dump", str(dump), *what],
                         stdout=subprocess.PIPE, text=True)
    lines = [line for line in run.stdout.splitlines() if line[0] != "#"]
    texts = [line.split(" ", 2)[2] for line in run.stdout.splitlines() if line[0] == "#"]
    if run.returncode:
        sys.exit(f"{' '.join(what)}: the hosted replay fails ({run.returncode}): {lines[-1:]}")
    return lines, texts, int.from_bytes(binary.read_bytes()[12:16], "little")


def machine(binary, slots):
    modules = [f"{KERNEL}", str(binary)]
    modules += [f"{KERNEL} domain name=slot-{s} memory=8 vcpus=2" for s in range(1, slots)]
    modules += [f"{KERNEL} domain name=stranger memory=8 -- stranger"]
    return ["qemu-system-x86_64", "-accel", "tcg", "-cpu", os.environ.get("CPU", "max"),
            "-smp", "2", "-m", "256", "-nographic", "-net", "none", "-no-reboot",
            "-kernel", os.environ.get("HV", str(BUILD / "hv.elf")),
            "-append", "console=com1 com1=115200,8n1 dom0_mem=16M dom0_max_vcpus=3",
            "-initrd", ",".join(modules)]


def booted(args):
    """Boot; returns (what the coordinator said, everything else)."""
    child = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
    alarm = threading.Timer(TIMEOUT, child.kill)
    alarm.start()
    told, other = [], []
    for raw in child.stdout:
        line = raw.decode(errors="replace").rstrip("\r\n")
        (told if re.match(r"[RSFED] \w", line) else other).append(line)
        if "panic" in line.lower() or line.startswith("TEST replay"):
            threading.Timer(1, child.kill).start()
    child.wait()
    alarm.cancel()
    return told, other


def part(ours, theirs):
    """The index of the first line that differs, or None."""
    for i in range(max(len(ours), len(theirs))):
        if ours[i:i + 1] != theirs[i:i + 1]:
            return i
    return None


def failure(other):
    """What went wrong beside the operations, or None."""
    for line in other:
        if "panic" in line.lower() or "assert" in line.lower():
            return line
    ends = [line for line in other if line.startswith("TEST replay")]
    return None if ends and "success" in ends[0] else ends[0] if ends else "the replay does not end"


def explain(what, binary, ours, at):
    """Both sides' whole state at the operation where they part."""
    operation = int(ours[min(at, len(ours) - 1)].split()[1])
    for dump, title in ((operation - 1, "before"), (operation, "after")):
        if dump < 0:
            continue
        mine, _, slots = hosted(what, binary, dump)
        told, _ = booted(machine(binary, slots))
        print(f"  state {title} operation {operation}, where it differs:")
        mine = state_of(mine, dump)
        told = state_of(told, dump)
        for line in sorted(set(mine) ^ set(told)):
            print(f"    {'hosted' if line in mine else 'QEMU  '}: {line}")


def state_of(lines, dump):
    """The F, E and D lines between operation @dump and its S."""
    out = []
    for line in lines:
        if line.startswith(f"S {dump} "):
            return out
        out = [] if line.startswith("R ") else out + [line]
    return out


def replay(name, what, verbose):
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        binary = pathlib.Path(folder) / "list"
        ours, texts, slots = hosted(what, binary)
        told, other = booted(machine(binary, slots))
        at, wrong = part(ours, told), failure(other)
        count = sum(line.startswith("R ") for line in ours)
        ran = sum(line.startswith("R ") and not line.endswith(" idle") for line in ours)
        print(f"{name}: {ran} of {count} operations ran: "
              f"{wrong or ('ok' if at is None else 'they part')}, {time.monotonic() - start:.1f} s",
              flush=True)
        if at is not None:
            print("\n".join("  both:   " + line for line in ours[max(0, at - 8):at]
                            if line.startswith("R ")))
            print("  " + texts[int(ours[min(at, len(ours) - 1)].split()[1])])
            print("  hosted: " + "".join(ours[at:at + 1]) + "\n  QEMU:   " + "".join(told[at:at + 1]))
            if verbose:
                explain(what, binary, ours, at)
        if wrong or (verbose and at is not None):
            print("\n".join("    " + line for line in other[-30:]))
    return at is None and not wrong


def main():
    names = sys.argv[1:]
    if names[:1] == ["--seed"]:
        seed, count = names[1], names[2] if len(names) > 2 else str(OPERATIONS)
        sys.exit(not replay(f"seed {seed}", ["--seed", seed, count], True))
    jobs = [(pathlib.Path(n).name, [n]) for n in names]
    if not names:
        # Without those about cuts, refused allocations and two at once: only the hosted engine can.
        jobs = [(p.name, [str(p)]) for p in sorted(LISTS.glob("*.ops")) if " | " not in p.read_text()]
        jobs += [(f"seed {s}", ["--seed", str(s), str(OPERATIONS)]) for s in SEEDS]
    good = [replay(name, what, bool(names)) for name, what in jobs]
    sys.exit(not all(good))


main()
