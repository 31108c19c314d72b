#!/usr/bin/env python3
"""A guest on disks that dom0's own back end serves: killed again and again, and nobody sees it.

One is a block device, which goes past the page cache and ends operations when it likes, one a file of a file system
that cannot do that. While verify (bench/verify.c) keeps eight operations going on each and compares all it reads, the
process that serves one, or now and then the daemon that starts them, is killed, at once or after a while. No operation
may fail or be lost, neither kernel may say a word, the states in the store stay as they are. In the end nothing is left.

    tests/system/blkback_test.py [KILLS]
"""
import random
import re
import sys

from machine import Failure
from story import (GUEST_PROMPT, KERNEL_WORDS, Story, create, enter, in_guest, kernel_words, kills, nothing_left, on_machine,
                   wait_for, wait_gone)

SIZE = "64M"
DISKS = {"xvda": "/dev/disk/by-id/virtio-gamma", "xvdb": "/tmp/disk"}
DISK_FD, O_DIRECT = 7, 0o40000     # enum link_fd; of fcntl.h


def direct(machine):
    """How many processes go past the page cache, of all."""
    flags = machine.check(f"for p in $(pidof blkback); do grep flags: /proc/$p/fdinfo/{DISK_FD}; done").split()[1::2]
    return sum(int(f, 8) & O_DIRECT != 0 for f in flags), len(flags)


def main(machine):
    count = int(sys.argv[1]) if sys.argv[1:] else 20
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    story = Story(machine)
    machine.check(f"truncate -s {SIZE} {DISKS['xvdb']}")
    disks = ", ".join(f"'{target},,{name},rw,backend=user'" for name, target in DISKS.items())
    create(story, "demo", f"\"disk=[{disks}]\"")
    if len(re.findall(r"^517(?:12|28) .* user$", machine.check("bothy block-list demo"), re.M)) != len(DISKS):
        raise Failure("block-list does not show the disks as user")
    if direct(machine) != (1, 2):
        raise Failure(f"past the page cache, of all: {direct(machine)}")
    enter(story, "demo")
    before = kernel_words(machine, GUEST_PROMPT)
    for name in DISKS:
        machine.check(f"(verify /dev/{name} 100000 8 >/tmp/{name}; echo $? >/tmp/{name}.ended) & sleep 1", 60, GUEST_PROMPT)
    machine.console_leave()
    dom0_before = kernel_words(machine, "bothy# ")
    story.say(f"{count} kills")
    kills(machine, "blkback", count, seed)
    wait_for("the last successors serve", lambda: len(machine.run("pidof blkback")[1].split()) == len(DISKS))
    machine.check("sleep 2")
    story.say("the guest is asked what it saw")
    told = in_guest(machine, "demo", "cat /tmp/*.ended; killall -INT verify; while pidof verify; do usleep 50000; done; cat /tmp/xvd?")
    found = [int(n) for n in re.findall(r"verify: (\d+) operations, all as written", told)]
    if len(found) != len(DISKS) or min(found) < count:
        raise Failure(f"verify: {told}")
    if in_guest(machine, "demo", KERNEL_WORDS) != f"{before}\n":
        raise Failure(f"the guest's kernel noticed\n{in_guest(machine, 'demo', 'dmesg | tail -3')}")
    if kernel_words(machine, "bothy# ") != dom0_before:
        raise Failure(f"dom0's kernel complains\n{machine.check('dmesg | tail -5')}")
    print(f"{count} deaths, operations: {found}")
    story.do("bothy destroy demo", 60)
    wait_gone(story, "demo")
    nothing_left(machine, "ls /run/backendd; pidof blkback || true")


if __name__ == "__main__":
    on_machine("blkback", main)
