#!/usr/bin/env python3
"""Creations and destructions in a row leave the hypervisor's free frames as they were.

The first guest is not counted: dom0's own back ends and caches grow with the first device. Of the others some die
young, and some with disk and net connected. What each leaves shows after any number of them, so a few are enough
for `make check`; what a page of many small things hides shows after more: `make check-all`.

    tests/system/churn_test.py [YOUNG CONNECTED]
"""
import sys
import time

from machine import Failure
from story import boot_demo, free_pages, on_machine, power_off


def settle(machine, wanted, seconds=20):
    """Free frames once dying domains are gone: death is preemptible, so wait for it, not for a time."""
    end = time.monotonic() + seconds
    while free_pages(machine) != wanted and time.monotonic() < end:
        time.sleep(0.5)
    return free_pages(machine)


def destroy(machine):
    machine.check("bothy destroy demo", 60)


def die_young(machine):
    machine.check("bothy create -q /guests/demo.cfg", 120)
    destroy(machine)


def die_connected(machine):
    boot_demo(machine)
    destroy(machine)


def churn(machine, young, connected):
    die_connected(machine)
    before = settle(machine, 0, 5)
    for _ in range(young):
        die_young(machine)
    for _ in range(connected):
        die_connected(machine)
    after = settle(machine, before)
    print(f"free frames: {before} before, {after} after {young} young guests and {connected} connected ones")
    if after != before:
        raise Failure(f"{before - after} frames are gone")
    rows = machine.check("bothy list").splitlines()
    if len(rows) != 2:
        raise Failure(f"domains are left: {rows[2:]}")
    power_off(machine)


if __name__ == "__main__":
    counts = [int(n) for n in sys.argv[1:]] or [2, 2]
    on_machine("churn", lambda machine: churn(machine, *counts))
