#!/usr/bin/env python3
"""A guest that was paused for longer than its kernel's watchdogs wait goes on as if nothing had been.

Its clock has gone on meanwhile. A kernel that is not told takes that for a lock-up of its processors: Linux reports
one, then a stall of RCU, for which one virtual CPU waits in loops of ten seconds for a trace that another one,
which waits for the first one's lock, never gives: half the guest stands still for a minute.
"""
import re

from machine import Failure
from story import GUEST_PROMPT, Story, create, enter, in_guest, on_machine

PAUSE = 24                                          # seconds; Linux reports lock-ups of 20 and stalls of 21
BUSY = "for cpu in 0 1; do taskset $((1 << cpu)) sh -c 'while :; do :; done' & done"


def main(machine):
    story = Story(machine)
    create(story, "demo", "vcpus=2")
    enter(story, "demo")
    machine.check(BUSY, 60, GUEST_PROMPT)
    before = float(machine.check("cat /proc/uptime", 60, GUEST_PROMPT).split()[0])
    machine.console_leave()
    story.do(f"bothy pause demo && sleep {PAUSE} && bothy unpause demo && sleep 2", 300)
    after = float(in_guest(machine, "demo", "cat /proc/uptime").split()[0])
    if after - before < PAUSE:
        raise Failure(f"the guest's clock stood still: {before} s, then {after} s")
    told = in_guest(machine, "demo", "dmesg")
    if re.search(r"soft lockup|rcu: .* stall|NMI backtrace|blocked for more", told):
        raise Failure(f"the guest's kernel complains\n{told[-2000:]}")


if __name__ == "__main__":
    on_machine("pause", main)
