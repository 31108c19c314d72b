#!/usr/bin/env python3
"""Boot the small PV kernels of tests/guest as boot modules and judge their outcomes.

Each machine below runs without dom0: a list of domains, all started together, so that each is
also the neighbour of the others. A domain is NAME[:VCPUS[:MEMORY]] with the guest's command line,
and its outcome is the line `TEST kernel: success` of that domain. A domain started with kill-ACT
does one deadly thing: it must then crash where `killed` is expected, and may also survive where
`either` is; `stillborn` crashes before it can say a word. A crash is told once, with its reason, and
the neighbours must succeed whatever happens. Prints one line per domain; exit status
0 when all are as expected.

    tests/guest/guest_test.py [-v] [MACHINE...]     environment: O, HV, CPU
    tests/guest/guest_test.py --list                name the machines
"""
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

BUILD = pathlib.Path(os.environ.get("O", "build"))
KILLED = """iret_user iret_stack no_table bad_stack bad_stack_hypervisor
bad_stack_noncanonical absent_handler faulty_handler unmap_self unmap_all""".split()
EITHER = """iret_rip iret_rsp iret_cs iret_ss bad_handler bad_handler_cs kernel_ss bad_callback
ports spin fault_loop""".split()


class Domain:
    def __init__(self, kernel, vcpus=1, memory=16, line="", connect=None, may_die=False,
                 initial=False):
        self.kernel, self.vcpus, self.memory = kernel, vcpus, memory
        self.line, self.connect, self.may_die, self.initial = line, connect, may_die, initial
        self.name = self.outcome = None

    def module(self):
        if self.initial:
            return f"{BUILD}/guest/{self.kernel}.elf {self.line}".rstrip()
        wire = f" connect={self.connect}" if self.connect else ""
        return (f"{BUILD}/guest/{self.kernel}.elf domain name={self.name} memory={self.memory} "
                f"vcpus={self.vcpus}{wire} -- {self.line}").rstrip()


def kill(act):
    return Domain("hostile", memory=8, line=f"kill-{act}", may_die=True)


def stillborn():
    d = Domain("stillborn", may_die=True)
    d.outcome = "expect killed"
    return d


MACHINES = {
    # name: (CPUs, domains)
    "hello": (1, [Domain("hello")]),
    "basic": (2, [Domain(k, line="zeroed") for k in "hcpage mmu ptwr trap event grant".split()]),
    "time": (2, [Domain("time", 2), Domain("hello")]),
    "smp": (2, [Domain("smp", 2), Domain("fpu", 2), Domain("fpu", 2)]),
    "smp-1cpu": (1, [Domain("smp", 2), Domain("fpu", 2)]),
    "pair": (2, [Domain("pair"), Domain("pair", connect="pair-0"), Domain("mmu"),
                 Domain("hostile", line="seed=3 rounds=100")]),
    "hostile": (2, [Domain("hostile", line=f"seed={s} rounds=400") for s in (1, 2, 77)] +
                   [Domain("hostile", 2, line="seed=5 rounds=300"), Domain("trap")]),
    # In the place of dom0, whose rights are wider; alone, since the machine goes down with it.
    "dom0-mmu": (2, [Domain("mmu", line="zeroed", initial=True)]),
    "dom0-trap": (1, [Domain("trap", initial=True)]),
    "dom0-grant": (1, [Domain("grant", initial=True)]),
    "kill": (2, [kill(a) for a in KILLED + EITHER] + [stillborn(), Domain("event"), Domain("ptwr")]),
}


class Run:
    """One machine: what its domains said."""

    def __init__(self, name, cpus, domains, verbose):
        self.name, self.domains, self.verbose = name, domains, verbose
        self.numbers, self.crashed, self.text = {}, [], []
        self.initial = next((d for d in domains if d.initial), Domain("none"))
        for i, d in enumerate(domains):
            d.name = f"{d.kernel}-{i}"
        modules = ",".join(d.module().replace(",", ",,") for d in domains)
        self.args = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", os.environ.get("CPU", "max"),
                     "-smp", str(cpus), "-m", "768", "-nographic", "-net", "none", "-no-reboot",
                     "-kernel", os.environ.get("HV", str(BUILD / "hv-ranks.elf")),
                     "-append", "console=com1 com1=115200,8n1 dom0_mem=32M", "-initrd", modules]

    def line(self, line):
        self.text.append(line)
        if self.verbose:
            print(line, flush=True)
        if m := re.search(r"domain (\d+): ([\w-]+), ", line):
            self.numbers[int(m[1])] = m[2]
        if m := re.search(r"\(d(\d+)\) TEST [\w-]+: (\w+)(.*)", line):
            self.outcome(int(m[1]), m[2] + m[3])
        # dom0's own lines carry no mark.
        if m := re.match(r"TEST [\w-]+: (\w+)(.*)", line):
            self.initial.outcome = (m[1] + m[2]).rstrip("?\r ")
        if m := re.search(r"\(d(\d+)\) KILL [\w-]+: expect (\w+)", line):
            self.outcome(int(m[1]), "expect " + m[2])
        if m := re.search(r"\(d(\d+)\) crashed: vcpu \d+: \w+", line):
            self.crashed.append(self.numbers.get(int(m[1])))

    def outcome(self, number, text):
        for d in self.domains:
            if d.name == self.numbers.get(number):
                d.outcome = text.rstrip("?\r ")

    def finished(self):
        return all(d.outcome and (not d.outcome.startswith("expect") or d.name in self.crashed)
                   for d in self.domains)

    def boot(self, timeout):
        child = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT)
        alarm = threading.Timer(timeout, child.kill)
        alarm.start()
        for raw in child.stdout:
            self.line(raw.decode(errors="replace").rstrip("\r\n"))
            if "panic" in self.text[-1].lower():
                threading.Timer(1, child.kill).start()
            if self.finished():
                child.kill()
        child.wait()
        alarm.cancel()

    def judge(self, d):
        """Return None if the domain did what it should, else what it did."""
        if d.outcome == "success":
            return None
        if d.may_die and d.outcome and d.outcome.startswith("expect") and self.crashed.count(d.name) == 1:
            return None
        died = " (crashed)" if d.name in self.crashed else ""
        return (d.outcome or "no outcome") + died


def run(name, verbose):
    cpus, domains = MACHINES[name]
    r = Run(name, cpus, domains, verbose)
    start = time.monotonic()
    r.boot(240)
    bad = 0
    for d in domains:
        wrong = r.judge(d)
        bad += wrong is not None
        print(f"{name}: {d.name}{' ' + d.line if d.line else ''}: {wrong or 'ok'}")
    print(f"{name}: {time.monotonic() - start:.1f} s", flush=True)
    if any("panic" in line.lower() or "assert" in line.lower() for line in r.text):
        print(f"{name}: the hypervisor itself failed")
        bad += 1
    if bad and not verbose:
        print("\n".join("    " + line for line in r.text[-60:]))
    return bad


def main():
    if sys.argv[1:] == ["--list"]:
        print(" ".join(MACHINES))
        return
    names = [a for a in sys.argv[1:] if a != "-v"]
    bad = sum(run(name, "-v" in sys.argv) for name in names or MACHINES)
    sys.exit(bad != 0)


main()
