#!/usr/bin/env python3
"""A guest under memory pressure gives what it can, says so, and gets its memory back whole.

A guest of 160 MiB holds a file in tmpfs and has a process that dirties 48 MiB over and over. It is asked for
memory while it does: first for as much as it may have without that process, and its kernel chooses between the
two, then for more than it can give whatever it kills. The second time mem-set must say so. What the kernel kills
for it is its own affair; but it stays up, the file stays what it was, and it takes its memory again. In the end
the hypervisor has every frame back.
"""
import re

from machine import Failure
from story import (GUEST_PROMPT, Story, create, enter, free_pages, ids, in_guest, listed, on_machine, wait_for,
                   wait_gone)

MEMORY = 160                                        # MiB, all of it
TIGHT = 96                                          # enough for the kernel and the file
TOO_LITTLE = 32                                     # less than those
FILE = "head -c 32m /dev/urandom >/tmp/kept && sha256sum /tmp/kept"
HOG = "(while :; do dd if=/dev/zero of=/dev/null bs=48M; done >/dev/null 2>&1 &)"


def squeeze(machine, mib, statuses):
    """Ask for all but @mib MiB; what comes of it is one of @statuses, and told if it is 6."""
    status, output = machine.run(f"bothy mem-set -w -t 10 demo {mib}", 120)
    told = re.search(rf"mem-set: domain \d+ is at (\d+) MiB after 10 s, not at {mib}$", output, re.M)
    if status not in statuses or (status == 6) != bool(told):
        last = machine.run("tail -25 /var/log/bothy/guest-demo.log; tail -2 /var/log/bothy/domaind.log")[1]
        raise Failure(f"mem-set to {mib} MiB ended with status {status}\n{output}\nthe guest's last words:\n{last}")
    if told and not mib < int(told[1]) < MEMORY:
        raise Failure(f"at {told[1]} MiB, where it gives what it can of {MEMORY}, and not {mib}")


def main(machine):
    story = Story(machine)
    free = free_pages(machine)
    create(story, "demo", f"memory={MEMORY}")
    number = ids(story)["demo"]
    enter(story, "demo")
    machine.check("mkdir -p /tmp && mount -t tmpfs tmpfs /tmp", 60, GUEST_PROMPT)
    checksum = machine.check(FILE, 120, GUEST_PROMPT)
    machine.check(HOG, 60, GUEST_PROMPT)
    machine.console_leave()
    for mib, statuses in ((TIGHT, (0, 6)), (TOO_LITTLE, (6,))):
        story.say(f"the guest is asked to live on {mib} MiB")
        squeeze(machine, mib, statuses)
        machine.check(f"bothy mem-set -w -t 60 demo {MEMORY}", 120)
        if ids(story).get("demo") != number or abs(listed(machine, "demo")[0] - MEMORY) > 1:
            raise Failure(f"the guest is not what it was\n{machine.check('bothy list')}")
        if in_guest(machine, "demo", "sha256sum /tmp/kept") != checksum:
            raise Failure("the file in the guest's memory has changed")
    machine.check("bothy destroy demo", 60)
    wait_gone(story, "demo")
    # Some frames are dom0's, for its back ends' first guest; the balloon has moved tens of thousands.
    wait_for("all frames are free again", lambda: free - free_pages(machine) < 256)


if __name__ == "__main__":
    on_machine("balloon", main)
