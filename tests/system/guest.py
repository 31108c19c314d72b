#!/usr/bin/env python3
"""Boot test kernels of tests/guest on the hypervisor: no Linux, no disk, a second each.

    tests/system/guest.py RUN  boot one run of the table below
    tests/system/guest.py --list                    name them all

A run is a list of boot modules. A module with a domain name starts as an unprivileged domain; the
first without one is dom0. Every module's kernel must say `TEST name: success`; any other outcome,
a crash of the hypervisor or silence is a failure. A kernel that nobody listed here is run both
as an unprivileged domain and as dom0, so that a new folder is a new test.
"""
import os
import sys
import time

from machine import BUILD, Failure, Machine

KERNELS = sorted(p.name for p in os.scandir("tests/guest") if p.is_dir() and p.name != "lib")
TIMEOUT = 60


def domain(kernel, name=None, options="", line=""):
    return f"{BUILD}/guest/{kernel}.elf domain name={name or kernel} {options} -- {line}".strip()


def dom0(kernel, line=""):
    return f"{BUILD}/guest/{kernel}.elf {line}".strip()


# name: (modules, options of the machine)
RUNS = {
    "pair": ([domain("pair", "pair-a"), domain("pair", "pair-b", "connect=pair-a")], {}),
    "smp": ([domain("smp", options="vcpus=2")], {}),
    "smp-dom0": ([dom0("smp")], {}),
    "smp-on-one-cpu": ([domain("smp", options="vcpus=2")], {"smp": 1}),
    # Page-table work in two domains at once, and on two vCPUs of one (smp), on two CPUs.
    "mmu-twice": ([domain("mmu", "mmu-a"), domain("mmu", "mmu-b")], {}),
    "ptwr-twice": ([domain("ptwr", "ptwr-a"), domain("ptwr", "ptwr-b")], {}),
    "hello-haswell": ([domain("hello")], {"cpu": "Haswell-noTSX"}),
    "trap-haswell": ([domain("trap")], {"cpu": "Haswell-noTSX"}),
    "fpu-haswell": ([domain("fpu")], {"cpu": "Haswell-noTSX"}),
    "fpu-without-xsave": ([domain("fpu")], {"cpu": "qemu64"}),
}
for kernel in KERNELS:
    if kernel not in RUNS:
        RUNS[kernel] = ([domain(kernel)], {})
        RUNS[f"{kernel}-dom0"] = ([dom0(kernel)], {})


class GuestMachine(Machine):
    """A machine whose boot modules are the test kernels alone."""

    def __init__(self, name, modules, **options):
        super().__init__(f"guest-{name}", disks=False, memory=256, only=modules, **options)


def run(name):
    modules, options = RUNS[name]
    wanted = {os.path.basename(m.split()[0]).removesuffix(".elf") for m in modules}
    missing = len(modules)
    with GuestMachine(name, modules, **options) as machine:
        end = time.monotonic() + TIMEOUT
        while missing:
            found = machine.expect(r"TEST (\S+): (success|skip|error|failure)(.*)|PANIC|ASSERT|panic:",
                                   max(1, end - time.monotonic()), f"{missing} more outcomes")
            if found[1] not in wanted or found[2] != "success":
                # Let the machine finish its last words.
                machine.pump(1)
                raise Failure(f"{found[0]}\n{machine.tail(30)}")
            missing -= 1


def main():
    if sys.argv[1:] == ["--list"]:
        print(" ".join(sorted(RUNS)))
        return
    try:
        run(sys.argv[1])
    except Failure as failure:
        sys.exit(f"guest {sys.argv[1]}: {failure}")


if __name__ == "__main__":
    main()
