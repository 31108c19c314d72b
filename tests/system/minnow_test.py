#!/usr/bin/env python3
"""The example kernel (examples/minnow) on our dom0: its disk's check sum, pings, TCP echo, its end.

Twice: on Linux's back ends with the address of its command line, then with one that DHCP gives and its disk on dom0's own
back end, whose process is killed again and again while it is read and while bytes are echoed. What it says of its disk must
be what dom0's crc32 says, a file that goes through its echo must come back as it was, and `bothy shutdown` must end it.

    tests/system/minnow_test.py
"""
import re

from machine import Failure
from story import KILL, Story, on_machine, wait_for, wait_gone

LOG = "/var/log/bothy/guest-minnow.log"
DISK = "/tmp/minnow-disk"
KILLS = 5
# Until the console's log says $1, but not for ever.
UNTIL = ("until_log() { n=0; until grep -q \"$1\" " + LOG + " 2>/dev/null; do usleep 2000; n=$((n+1)); "
         "[ $n -lt 4000 ] || return 1; done; }")


def log(machine):
    return machine.check(f"cat {LOG}")


def sums(machine):
    """What it said of its disk, round by round."""
    return re.findall(r"disk: \d+ bytes, crc32 (\w+)", log(machine))


def create(story, settings):
    """Create it, and tell how long it takes until it is ready; return its log."""
    machine = story.machine
    machine.check(f"rm -f {LOG}")
    took = story.do(f"a=$(cut -d' ' -f1 /proc/uptime); bothy create -q /guests/minnow.cfg {settings} && until_log ready; "
                    "echo $a $(cut -d' ' -f1 /proc/uptime)", 60, shown=f"bothy create /guests/minnow.cfg {settings}")
    first, last = map(float, took.split()[-2:])
    said = log(machine)
    up, ready = (re.search(rf"minnow: {what} after (\d+) us", said) for what in ("up", "ready"))
    if not up or not ready:
        raise Failure(f"it is not up\n{said}")
    story.say(f"up {int(up[1]) / 1000:.1f} ms after its start, ready after {int(ready[1]) / 1000:.1f} ms, "
              f"{(last - first) * 1000:.0f} ms after its creation began")
    return said


def work(story, address):
    machine = story.machine
    machine.check("until_log 'disk: .*crc32'", 60)
    if sums(machine)[0] != machine.check(f"crc32 {DISK}").split()[0]:
        raise Failure(f"the disk's check sum\n{log(machine)}")
    for what in ("-c 5", "-c 2 -s 6000"):
        if " 0% packet loss" not in story.do(f"ping {what} -i 0.2 -W 5 {address} | grep loss"):
            raise Failure("pings without an answer")
    story.do(f"nc {address} 7 </tmp/data >/tmp/back && cmp /tmp/data /tmp/back", 60)


def deaths(story, address):
    """It reads on and on: kill who serves the disk."""
    machine = story.machine
    machine.check(KILL)
    story.say(f"{KILLS} kills of blkback under its reads, and an echo meanwhile")
    story.do(f"nc {address} 7 </tmp/data >/tmp/back2 & for i in $(seq {KILLS}); do k blkback 0 200000; done; wait; "
             "cmp /tmp/data /tmp/back2", 120, shown="for i in ...; do kill -9 $(pidof blkback); done")
    before = len(sums(machine))
    wait_for("the disk is read to its end twice more", lambda: len(sums(machine)) >= before + 3)
    if len(set(sums(machine))) != 1 or "error" in log(machine):
        raise Failure(f"what it read\n{log(machine)}")


def down(story):
    story.do("bothy shutdown -w -t 20 minnow", 40)
    wait_gone(story, "minnow")
    if "going down" not in log(story.machine):
        raise Failure(f"it has not said a word\n{log(story.machine)}")


def main(machine):
    story = Story(machine)
    machine.check(UNTIL)
    machine.check(f"head -c 4m /dev/urandom >{DISK}; head -c 1m /dev/urandom >/tmp/data")
    create(story, f"\"disk=['file:{DISK},xvda,r']\"")
    work(story, "192.168.77.7")
    down(story)
    said = create(story, f"\"disk=['{DISK},,xvda,r,backend=user']\" 'extra=\"rounds=10000\"'")
    address = re.search(r"net: (192\.168\.77\.\d+)", said)[1]
    work(story, address)
    deaths(story, address)
    down(story)


if __name__ == "__main__":
    on_machine("minnow", main)
