#!/usr/bin/env python3
"""make bench: print the project's figures. It measures and asserts nothing.

Sizes come from the build. Memory and the micro table come from a machine in deterministic mode
(-icount shift=0,sleep=off, one CPU), where a nanosecond of the guest's clock is one instruction, the
hypervisor's included; two runs agree, whatever else the host does. Beside ours stand the figures of
Xen 4.17 with the same kernels, measured the same way on QEMU's model `max`. The scheduler's part is
scheduler.py's, that of disks and networks devices.py's. The rings of the split drivers run natively: what
counts is the ratio, not the number.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/system"))
sys.path.insert(0, str(ROOT / "tests/tree"))

import devices                                      # noqa: E402
import scheduler                                     # noqa: E402
from budget_test import hv_lines                    # noqa: E402
from machine import BUILD, Failure, Machine         # noqa: E402

# operation: native, Xen 4.17 dom0 (and a guest with a native TSC), Xen guest as xl makes it by default
XEN = {
    "null system call": (360, 1020, 2273),
    "gettimeofday": (107, 107, 3978),
    "clock_gettime by system call": (478, 1132, 3966),
    "pipe round trip": (10557, 21581, 32847),
    "fork + wait": (193160, 563577, 604745),
    "fork + exec + wait": (430971, 1239448, 1303134),
    "anonymous page fault": (7746, 13005, 14323),
    "mprotect pair + touch": (21503, 28567, 31403),
    "mmap, touch, munmap 64 pages": (526157, 960336, 996639),
    "mmap, munmap 64 pages untouched": (13455, 15499, 17520),
    "signal to self": (4189, 5552, 8049),
    "privcmd ioctl without hypercall": (None, 1284, None),
    "privcmd ioctl with xen_version": (None, 1644, None),
    "event channel self-ping": (None, 32037, None),
}


def number(value):
    return "-" if value is None else f"{value:,.0f}"


def row(*cells):
    print(f"  {cells[0]:<36}" + "".join(f"{c:>14}" for c in cells[1:]), flush=True)


def sizes():
    total, host = hv_lines()
    print("Sizes")
    row("", "ours", "budget")
    row("hypervisor image (hv.elf), bytes", number((BUILD / "hv.elf").stat().st_size), number(512 * 1024))
    row("hv/, lines of code", number(total), number(15000))
    row("  of these the hosted CPU", number(host))


def micro(text):
    return {m[1]: float(m[2]) for m in re.finditer(r"^micro (.+?): ([0-9.]+)$", text, re.M)}


def rings():
    text = subprocess.run([BUILD / "bench/rings"], check=True, capture_output=True, text=True).stdout
    found = {(m[1], m[2]): float(m[3]) for m in re.finditer(r"^rings (.+), depth (\d+): (\d+)$", text, re.M)}
    print("Rings, requests per second (this machine, one thread)")
    row("", "", "of bare")
    for (name, depth), value in found.items():
        row(f"{name}, depth {depth}", number(value), f"{value / found['bare exchange', depth]:.2f}")
    lines = {(m[1], m[2]): float(m[3]) for m in re.finditer(r"^rings (.+), (printed|typed): (\d+)$", text, re.M)}
    print("A console's ring, lines of 80 bytes per second")
    row("", "", "of bare")
    for way in ("printed", "typed"):
        row(way, number(lines["console", way]), f"{lines['console', way] / lines['bare exchange of lines', way]:.2f}")


def memory_free_kib(machine):
    """Free memory as the hypervisor counts it."""
    return int(machine.check("bothy info free_pages").split()[-1]) * 4


def measure(machine):
    """Return (table of dom0, table of a guest, KiB one guest costs beside its own memory, boot lines)."""
    machine.wait_prompt(900)
    boot = machine.check("bothy dmesg")
    dom0 = micro(machine.check("micro", 1800))
    before = memory_free_kib(machine)
    machine.check("bothy create /guests/bench.cfg", 600)
    machine.send("bothy console bench\n")
    machine.expect("guest-ready", 900, "the guest")
    machine.send("\n")
    machine.expect("guest# ", 60, "the guest's shell")
    guest = micro(machine.check("micro", 1800, "guest# "))
    machine.console_leave()
    after = memory_free_kib(machine)
    cost = before - after - 96 * 1024
    machine.check("bothy destroy bench", 120)
    return dom0, guest, cost, boot


def operations():
    """Print what memory a machine and a domain take, and the micro table."""
    with Machine("bench", smp=1, icount=True) as machine:
        dom0, guest, cost, boot = measure(machine)
    print("Memory")
    for line in boot.splitlines():
        if re.search(r"memory|frame table", line, re.I):
            print(f"  {line.strip()}")
    row("KiB per domain (96 MiB, 1 vCPU, disk, net)", number(cost), "48", "Xen: 88")
    print("Instructions per operation (deterministic mode)")
    row("", "our dom0", "our guest", "native", "Xen dom0", "Xen guest")
    for name, (native, xen_dom0, xen_guest) in XEN.items():
        row(name, number(dom0.get(name)), number(guest.get(name)), number(native), number(xen_dom0),
            number(xen_guest))


def main():
    sizes()
    rings()
    try:
        operations()
        scheduler.main()
        devices.main()
    except Failure as failure:
        sys.exit(f"bench: {failure}")


if __name__ == "__main__":
    main()
