#!/usr/bin/env python3
"""dom0's daemons may die under running guests: each is started again and misses nothing.

With a guest up: each daemon is killed in turn, the process of the guest's disk, too, and afterwards the guest's
console, its store nodes and its disk still work. With domaind dead, the guest powers off: the next domaind
must find the death and reap it, and the name be free again.
"""
import time

from machine import Failure
from story import boot_demo, on_machine, power_off

DISK = "\"disk=['vdev=xvda,access=w,backend=user,target=/guests/demo.img']\""


def pid(machine, daemon, other_than="", seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        _, out = machine.run(f"pidof {daemon}")
        if out.strip() and out.strip() != other_than:
            return out.strip()
        time.sleep(0.5)
    raise Failure(f"{daemon} does not run")


def kill(machine, daemon):
    old = pid(machine, daemon)
    machine.check(f"kill -9 {old.split()[0]}")
    pid(machine, daemon, old)
    # A new daemon serves when the toolstack gets its answers.
    machine.check(". /etc/ready; bothy list", 60)


def on_console(machine, line, wanted):
    machine.send("bothy console demo\n\n")
    machine.expect("guest# ", 60, "the guest's shell")
    machine.send(line + "\n")
    machine.expect(wanted, 120, line)
    machine.console_leave()


def wait_gone(machine, seconds=60):
    end = time.monotonic() + seconds
    while "demo" in machine.check("bothy list"):
        if time.monotonic() > end:
            raise Failure("the guest's death was missed")
        time.sleep(1)


def main(machine):
    boot_demo(machine, DISK)
    for daemon in ("xenstored", "consoled", "domaind", "backendd", "blkback"):
        kill(machine, daemon)
        on_console(machine, "disk-test xvda 4", "disk-test: equal")
    # Gone while nobody looks: init waits a second before it starts domaind again.
    machine.check("bothy shutdown demo; while bothy list | grep -q demo; do kill -9 $(pidof domaind) 2>/dev/null;"
                  " n=$((n+1)); [ $n -lt 40 ] || break; sleep 0.3; done; true", 120)
    wait_gone(machine)
    machine.check("bothy create -q /guests/demo.cfg", 120)
    machine.check("bothy destroy demo")
    power_off(machine)


if __name__ == "__main__":
    on_machine("daemons", main)
