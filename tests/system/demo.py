#!/usr/bin/env python3
"""One guest's whole story on a machine, as a transcript; status 0 only if every step held. `make demo` is tour.py.

Boots the hypervisor and dom0, creates the guest, has it write and read back 64 MiB on its PV disk, ping
dom0 and fetch a file from it over TCP, lists it, shuts it down, creates it again, destroys it, powers off.

    tests/system/demo.py [--cpu MODEL] [--smp N] [--guest NAME] [--name LOG]
"""
import argparse
import sys

from machine import Failure, Machine
from story import Story, create, serve, wait_gone, work


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
