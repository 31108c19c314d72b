#!/usr/bin/env python3
"""make demo: the whole story on one machine, as a transcript; status 0 only if every step held.

Boots the hypervisor and dom0, creates the guest, has it write and read back 64 MiB on its PV disk, ping
dom0 and fetch a file from it over TCP, lists it, shuts it down, creates it again, destroys it, powers off.

    tests/system/demo.py [--cpu MODEL] [--smp N] [--guest NAME] [--name LOG]
"""
import argparse
import re
import sys
import time

from machine import PROMPT, Failure, Machine

GUEST_PROMPT = "guest# "
FILE_MIB = 8


class Story:
    """A machine whose steps are told on standard output."""

    def __init__(self, machine):
        self.machine = machine
        self.start = time.monotonic()

    def say(self, text):
        print(f"[{time.monotonic() - self.start:6.1f} s] {text}", flush=True)

    def do(self, line, timeout=60, prompt=PROMPT):
        """Run a line that must succeed, and show it with its output."""
        print(f"           {prompt}{line}", flush=True)
        output = self.machine.check(line, timeout, prompt)
        for out in output.splitlines():
            print(f"           {out}", flush=True)
        return output


def ids(story):
    """{name: domain id} of what `bothy list` shows."""
    rows = [row.split() for row in story.machine.check("bothy list").splitlines()[1:]]
    return {row[0]: int(row[1]) for row in rows if len(row) >= 6}


def wait_gone(story, guest, timeout=60):
    end = time.monotonic() + timeout
    while guest in ids(story):
        if time.monotonic() > end:
            raise Failure(f"{guest} is still listed after {timeout} s")
        time.sleep(0.5)


def create(story, guest):
    story.do(f"bothy create /guests/{guest}.cfg", 120)
    if guest not in ids(story):
        raise Failure(f"{guest} was created and is not listed")


def enter(story, guest):
    """Attach to the guest's console and wait until it is up."""
    story.say(f"on the console of {guest}, which boots")
    story.machine.send(f"bothy console {guest}\n")
    story.machine.expect("guest-ready (.*)\n", 180, f"{guest} up")
    story.machine.send("\n")
    story.machine.expect(re.escape(GUEST_PROMPT), 30, f"shell of {guest}")
    story.machine.check("stty cols 1000", 30, GUEST_PROMPT)


def serve(story):
    """Put a file of random data on dom0's web server; return its checksum."""
    story.do("mkdir -p /run/www && httpd -p 192.168.77.1:80 -h /run/www")
    story.do(f"head -c {FILE_MIB}m /dev/urandom >/run/www/file")
    return story.do("sha256sum /run/www/file").split()[0]


def work(story, guest, checksum):
    enter(story, guest)
    for line in ("disk-test xvda 64", f"net-test 192.168.77.1 file {checksum}"):
        if "equal" not in story.do(line, 240, GUEST_PROMPT):
            raise Failure(f"{line}: not equal")
    story.machine.console_leave()


def tell(story, guest):
    story.say("booting: hypervisor, dom0")
    story.machine.wait_prompt(240)
    story.say("dom0 is up")
    story.do("bothy info")
    checksum = serve(story)
    create(story, guest)
    work(story, guest, checksum)
    story.do("bothy list")
    story.say("asking the guest to shut down")
    story.do(f"bothy shutdown {guest}")
    wait_gone(story, guest)
    story.say("it is gone; once more, to be destroyed")
    create(story, guest)
    story.do("bothy list")
    story.do(f"bothy destroy {guest}")
    wait_gone(story, guest)
    story.do("bothy list")
    story.say("powering off")
    story.machine.send("poweroff\n")
    story.machine.wait_end(90)
    story.say("the machine is off: every step held")


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--cpu")
    args.add_argument("--smp", type=int, default=2)
    args.add_argument("--guest", default="demo")
    args.add_argument("--name", default="demo")
    args = args.parse_args()
    try:
        with Machine(args.name, cpu=args.cpu, smp=args.smp) as machine:
            tell(Story(machine), args.guest)
    except Failure as failure:
        sys.exit(f"demo: FAILED: {failure}\ndemo: the console's log is {machine.log_path}")


if __name__ == "__main__":
    main()
