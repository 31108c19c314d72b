#!/usr/bin/env python3
"""20 creations and destructions in a row leave the hypervisor's free frames as they were.

The first guest is not counted: dom0's own back ends and caches grow with the first device. It alone boots to
its end; the others die young. churn_connected_test.py has those that die with disk and net connected.
"""
import sys
import time

from machine import Failure, Machine


def free_pages(machine):
    return int(machine.check("bothy info free_pages").split()[-1])


def settle(machine, wanted, seconds=20):
    """Free frames once dying domains are gone: death is preemptible, so wait for it, not for a time."""
    end = time.monotonic() + seconds
    while free_pages(machine) != wanted and time.monotonic() < end:
        time.sleep(0.5)
    return free_pages(machine)


def round_trip(machine, to_the_end):
    machine.check("bothy create -q /guests/demo.cfg", 120)
    if to_the_end:
        machine.send("bothy console demo\n")
        machine.expect("guest-ready", 180, "the guest is up")
        machine.console_leave()
    machine.check("bothy destroy demo", 60)


def churn(name, rounds, to_the_end):
    with Machine(name) as machine:
        machine.wait_prompt()
        round_trip(machine, True)
        before = settle(machine, 0, 5)
        for _ in range(rounds):
            round_trip(machine, to_the_end)
        after = settle(machine, before)
        print(f"free frames: {before} before, {after} after {rounds} guests")
        if after != before:
            raise Failure(f"{before - after} frames are gone")
        rows = machine.check("bothy list").splitlines()
        if len(rows) != 2:
            raise Failure(f"domains are left: {rows[2:]}")
        machine.send("poweroff\n")
        machine.wait_end(90)


if __name__ == "__main__":
    try:
        churn("churn", 20, False)
    except Failure as failure:
        sys.exit(f"churn: {failure}")
