#!/usr/bin/env python3
"""A running guest's memory and CPUs change as asked, and the power button ends guest and host in order.

A Linux guest gives memory back, takes it again and takes more than it started with: its own /proc/meminfo
and `bothy list` agree. It loses a CPU and gets it back. Then the machine's power button is pressed: dom0 has
the guest shut down, which it does by itself, and the machine goes off.
"""
import re
import time

from machine import Failure
from story import boot_demo, on_machine

GUEST_PROMPT = "guest# "
MIB = 1024


def in_guest(machine, line):
    machine.send("bothy console demo\n\n")
    machine.expect("^" + re.escape(GUEST_PROMPT), 60, "the guest's shell")
    output = machine.check(line, 60, GUEST_PROMPT)
    machine.console_leave()
    return output


def listed(machine):
    """Memory in MiB and virtual CPUs of the guest, as listed."""
    row = machine.check("bothy list demo").splitlines()[1].split()
    return int(row[2]), int(row[3])


def total_kib(machine):
    return int(in_guest(machine, "grep MemTotal /proc/meminfo").split()[1])


def resize(machine, mib, first):
    """Set the guest's memory; @first: what its kernel saw of how many MiB in the beginning."""
    machine.check(f"bothy mem-set -w -t 60 demo {mib}", 90)
    if abs(listed(machine)[0] - mib) > 1:
        raise Failure(f"{mib} MiB asked for, {listed(machine)[0]} listed")
    seen, wanted = total_kib(machine), first[0] + (mib - first[1]) * MIB
    if abs(seen - wanted) > MIB:
        raise Failure(f"at {mib} MiB the guest sees {seen} KiB, not about {wanted}")


def set_cpus(machine, count, online):
    """Set the guest's virtual CPUs; @online: those its kernel then says it has. Linux takes a CPU down when it
    is told, but only offers a new one: udev, or here we, bring it up."""
    machine.check(f"bothy vcpu-set demo {count}")
    end = time.monotonic() + 30
    line = "cd /sys/devices/system/cpu; [ ! -e cpu1/online ] || echo %d >cpu1/online; cat online" % (count - 1)
    while in_guest(machine, line).strip() != online:
        if time.monotonic() > end:
            raise Failure(f"{count} virtual CPUs asked for, and the guest's kernel does not follow")
    if listed(machine)[1] != count:
        raise Failure(f"{count} virtual CPUs asked for, {listed(machine)[1]} listed")


def press_power_button(machine):
    machine.send("\x01c")
    machine.expect(re.escape("(qemu) "), 20, "QEMU's monitor")
    machine.send("system_powerdown\n\x01c")


def main(machine):
    boot_demo(machine, "vcpus=2 maxmem=160")
    in_guest(machine, "stty cols 1000")
    first = total_kib(machine), 128
    for mib in (96, 128, 160):
        resize(machine, mib, first)
    if machine.run("bothy mem-set demo 161")[0] != 2:
        raise Failure("more than maxmem was not refused")
    set_cpus(machine, 1, "0")
    set_cpus(machine, 2, "0-1")
    press_power_button(machine)
    machine.expect("the power button was pressed", 60)
    machine.expect(r"demo \(1\): ended", 60)
    machine.wait_end(60)


if __name__ == "__main__":
    on_machine("power", main)
