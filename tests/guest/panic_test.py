#!/usr/bin/env python3
"""Machines that end: by an exception while a hypercall runs, and because there is nothing to start.

The first is a test kernel in the place of dom0 that asks for debug key C; QEMU ends when the hypervisor reboots.
Judged: the functions of the backtrace in order, none of them guessed, the registers of both sides, the end; and
its banner: each of its lines, and that one screen holds them. The others lack a kernel, or memory for it, and
are told to halt: one line says what and why, and no registers follow, since it is no bug of the hypervisor's.

    tests/guest/panic_test.py       environment: O, HV, CPU
"""
import os
import pathlib
import re
import subprocess
import sys
import threading

BUILD = pathlib.Path(os.environ.get("O", "build"))
REGISTERS = [r"rip e008:ffff81\w+  rsp \w+:ffff8080\w+", r"rax \w+  rbx \w+  rcx", "rdx", "rbp", "r10", "r13"]
EXCEPTION = [r"PANIC on CPU \d: exception 6, #UD in hypervisor mode", "for domain 0, vCPU 0", "vector 6  error code 0",
             r"cr0 \w+  cr2 \w+  cr3 \w+  cr4", *REGISTERS, "calls",
             r"^    \w+ call_sysctl\S*\+0x", r"^    \w+ call_dispatch\+0x", r"^    \w+ cpu_guest_syscall\+0x",
             "domain 0, vCPU 0 was at:", "rip e033:ffffffff80", "rebooting in 5 s"]
BANNER = [r"\] Bothy \S+ on Xen's PV interface 4\.17, by Multiboot 1, options", r"\] CPU: \S+", "CPU: family .* stepping",
          r"TSC: \d+ MHz, (not )?trusted", r"CPU: on:.* NX\b.*; missing: ", r"CPU: FPU state of \d+ bytes, XCR0 0x\w",
          *(rf"\] {flaw}: (not )?affected" for flaw in ("Meltdown", "L1TF", "MDS", "Spectre v2", "RSB")),
          r"memory: \d+ MiB of RAM in \d+ ranges", "dom0: bothy-pv kernel", "frame table .*, machine-to-physical",
          r"\] 2 CPUs", "dom0: 2 vCPUs, 32 MiB", r"starting dom0 \d+ ms after our entry", "MiB of memory are free"]
HALTED = "halted, as the option noreboot says"
# What cannot be started: (name, boot module, MiB of the machine, options, what is said).
HOPELESS = [
    ("no kernel", "Makefile", 768, "", r"dom0 \(Makefile\): neither bzImage, ELF nor a known compression$"),
    ("not a PV kernel", BUILD / "hv.elf", 768, "", r"dom0 \(\S+hv.elf\): kernel has no Xen note VIRT_BASE: not a PV kernel$"),
    ("small dom0", BUILD / "guest/panic.elf", 768, "dom0_mem=2M",
     r"dom0: kernel does not fit into the domain's memory: it has 2 MiB, and needs \d$"),
    ("small machine", BUILD / "guest/panic.elf", 4, "", r"not enough memory for the (frame|machine-to-physical) table \(\d+ KiB\)$"),
]


def boot(module, options, last=None, memory=768):
    """The machine's lines; it is ended at one that holds @last, else ends by itself."""
    args = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", os.environ.get("CPU", "max"), "-smp", "2", "-m", str(memory),
            "-nographic", "-net", "none", "-no-reboot", "-kernel", os.environ.get("HV", str(BUILD / "hv.elf")),
            "-append", f"console=com1 com1=115200,8n1 dom0_mem=32M {options}", "-initrd", str(module)]
    child = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    alarm = threading.Timer(120, child.kill)
    alarm.start()
    lines = []
    for raw in child.stdout:
        lines.append(raw.decode(errors="replace").rstrip("\r\n"))
        if last and last in lines[-1]:
            child.kill()
    alarm.cancel()
    if child.wait() and not last:
        lines.append(f"QEMU ended with status {child.returncode}")
    return lines


def missing(lines, patterns):
    """The first pattern that no line behind those of the patterns before it has; None: all are there."""
    rest = iter(lines)
    return next((p for p in patterns if not any(re.search(p, line) for line in rest)), None)


def judge(name, lines, patterns):
    pattern = missing(lines, patterns)
    if pattern:
        print(f"{name}: no line like: {pattern}\n" + "\n".join("    " + line for line in lines[-60:]))
    else:
        print(f"{name}: ok")
    return pattern is not None


def rows(lines):
    """How many rows of 80 columns the hypervisor's lines fill before it panics."""
    ours = [line[line.index("(hv) ["):] for line in lines if "(hv) [" in line]
    return sum(-(-len(line) // 80) for line in ours)


def main():
    exception = boot(BUILD / "guest/panic.elf", "")
    bad = judge("banner", exception, BANNER) + judge("exception", exception, EXCEPTION)
    if rows(exception) > 24:
        print(f"banner: {rows(exception)} rows of 80 columns, at most 24")
        bad += 1
    for name, module, memory, options, why in HOPELESS:
        lines = boot(module, f"noreboot {options}", HALTED, memory)
        bad += judge(name, lines, [f"PANIC on CPU 0: {why}", f"^.hv. {HALTED}"])
        if any("rip" in line for line in lines):
            print(f"{name}: registers were shown")
            bad += 1
    sys.exit(bad != 0)


main()
