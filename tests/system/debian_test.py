#!/usr/bin/env python3
"""Debian 12 with systemd on PV disks and net, twice at once: each boots, works and shuts down.

alpha has two virtual CPUs, and the 6.1 cloud kernel from dom0. gamma's kernel is Debian's PV GRUB, which finds grub.cfg on the
guest's disk, loads the kernel there and hands over.
"""
from debian_guest import GRUB_SAYS, enter, shut_down, work
from machine import Failure
from story import Story, create, on_machine, power_off, serve

GUESTS = {"alpha": (), "gamma": GRUB_SAYS}


def main(machine):
    story = Story(machine)
    checksum = serve(story)
    for name in GUESTS:
        create(story, name)
    for name, first_words in GUESTS.items():
        prompt = enter(story, name, first_words)
        if story.do("hostname", 30, prompt).strip() != name:
            raise Failure(f"{name} calls itself otherwise")
        work(story, prompt, checksum)
        machine.console_leave()
    story.do("bothy list")
    for name in GUESTS:
        shut_down(story, name)
    power_off(machine)


if __name__ == "__main__":
    on_machine("debian", main)
