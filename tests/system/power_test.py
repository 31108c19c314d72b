#!/usr/bin/env python3
"""A running guest's memory and CPUs change as asked, and the power button ends guest and host in order.

A Linux guest gives memory back, takes it again and takes more than it started with: its own /proc/meminfo
and `bothy list` agree. It loses a CPU and gets it back. Then the machine's power button is pressed: dom0 has
the guest shut down, which it does by itself, and the machine goes off.
"""
import re
import time

from machine import Failure
from story import boot_demo, in_guest, listed, on_machine

MIB = 1024


def total_kib(machine):
    return int(in_guest(machine, "demo", "grep MemTotal /proc/meminfo").split()[1])


def resize(machine, mib, first):
    """Set the guest's memory; @first: what its kernel saw of how many MiB in the beginning."""
    machine.check(f"bothy mem-set -w -t 60 demo {mib}", 90)
    memory, _ = listed(machine, "demo")
    if abs(memory - mib) > 1:
        raise Failure(f"{mib} MiB asked for, {memory} listed")
    seen, wanted = total_kib(machine), first[0] + (mib - first[1]) * MIB
    if abs(seen - wanted) > MIB:
        raise Failure(f"at {mib} MiB the guest sees {seen} KiB, not about {wanted}")


def set_cpus(machine, count, online):
    """Set the guest's virtual CPUs; @online: those its kernel then says it has. Linux takes a CPU down when it
    is told, but only offers a new one: udev, or here we, bring it up."""
    machine.check(f"bothy vcpu-set demo {count}")
    end = time.monotonic() + 30
    line = "cd /sys/devices/system/cpu; [ ! -e cpu1/online ] || echo %d >cpu1/online; cat online" % (count - 1)
    while in_guest(machine, "demo", line).strip() != online:
        if time.monotonic() > end:
            raise Failure(f"{count} virtual CPUs asked for, and the guest's kernel does not follow")
    _, cpus = listed(machine, "demo")
    if cpus != count:
        raise Failure(f"{count} virtual CPUs asked for, {cpus} listed")


def press_power_button(machine):
    machine.send("\x01c")
    machine.expect(re.escape("(qemu) "), 20, "QEMU's monitor")
    machine.send("system_powerdown\n\x01c")


def main(machine):
    boot_demo(machine, "vcpus=2 maxmem=160")
    in_guest(machine, "demo", "stty cols 1000")
    first = total_kib(machine), 128
    for mib in (96, 128, 160):
        resize(machine, mib, first)
    if machine.run("bothy mem-set demo 161")[0] != 2:
        raise Failure("more than maxmem was not refused")
    set_cpus(machine, 1, "0")
    set_cpus(machine, 2, "0-1")
    machine.check("dmesg -n 8")     # what dom0 says on its way down
    press_power_button(machine)
    machine.expect("the power button was pressed", 60)
    machine.expect(r"demo \(1\): ended", 60)
    machine.wait_end(60)


if __name__ == "__main__":
    on_machine("power", main)
