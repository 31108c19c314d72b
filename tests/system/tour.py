#!/usr/bin/env python3
"""make demo: the tour, as a transcript; status 0 only if every step held.

The hypervisor's log and dom0's devices; three guests at once: alpha (Debian with systemd, two virtual CPUs), beta (96 MiB),
gamma (started by PV GRUB), each at work on its disk and net while the others are; every verb of bothy; a crash, a
clean end, an end amid I/O; all of it created and destroyed once more, and the hypervisor's free frames as before.
The story of one guest is demo.py.
"""
import contextlib
import re
import sys
import time

import debian_guest
import dom0_devices
from churn_test import settle
from machine import Failure, Machine
from story import (GUEST_PROMPT, Story, create, enter, free_pages, ids, serve, wait_for, wait_gone,
                   wait_successor)

PROMPTS = {"beta": GUEST_PROMPT, "alpha": "root@alpha:~# ", "gamma": "root@gamma:~# "}
DISKS = {"beta": "disk-test xvda 32", "alpha": f"{debian_guest.ON_ROOT} && disk-test xvdb 64", "gamma": "disk-test xvdb 32"}
PORT = 9000
# What the first guests leave in dom0's tables, in the hypervisor, for those to come.
KEPT_PAGES = 256


# ---- guests' consoles: there is one terminal, so what is to run at once runs in the background

@contextlib.contextmanager
def console(story, guest):
    """Attach to the console of a guest that has been entered; gives its prompt."""
    story.machine.send(f"bothy console {guest}\n\n")
    story.machine.expect("^" + re.escape(PROMPTS[guest]), 60, f"shell of {guest}")
    yield PROMPTS[guest]
    story.machine.console_leave()


def start(story, guest, line):
    """Have the guest run a line in the background, for finish()."""
    with console(story, guest) as prompt:
        story.do(f"rm -f /tmp/ended; ( ( {{ {line}; }} >/tmp/log 2>&1; echo $? >/tmp/ended ) & )", 60, prompt,
                 f"{line} &")


def finish(story, guest, wanted=""):
    """Wait for the line of start(), which must succeed and print @wanted; return its output."""
    with console(story, guest) as prompt:
        output = story.do('until [ -s /tmp/ended ]; do sleep 1; done; cat /tmp/log; [ "$(cat /tmp/ended)" = 0 ]', 300,
                          prompt, "wait; cat /tmp/log")
    if wanted not in output:
        raise Failure(f"{guest}: no {wanted!r}")
    return output


def on_console(story, guest, line):
    with console(story, guest) as prompt:
        return story.do(line, 60, prompt)


# ---- the steps

def look_around(story):
    story.say("what the hypervisor said on its way up")
    story.do("bothy dmesg")
    dom0_devices.show(story)


def create_all(story):
    story.say("three guests")
    for guest in ("alpha", "gamma"):
        create(story, guest)
    create(story, "beta", "on_crash=restart")
    story.do("bothy list")


def enter_all(story):
    """Log in everywhere; return {guest: its address}."""
    addresses = {}
    for guest, prompt in PROMPTS.items():
        if guest == "beta":
            enter(story, guest)
        else:
            debian_guest.enter(story, guest, debian_guest.GRUB_SAYS if guest == "gamma" else ())
            story.do("/lib/systemd/systemd-networkd-wait-online --ipv4 --timeout=120", 150, prompt)
        story.do("uname -r; nproc", 30, prompt)
        addresses[guest] = re.search(r"inet (192\.168\.77\.\d+)/", story.do("ip -4 -o addr", 30, prompt))[1]
        story.machine.console_leave()
    return addresses


def work_at_once(story, addresses, checksum):
    """Disk, dom0, the other guests: in all three at once. Returns the MD5 of what alpha's disk now begins with."""
    story.say("all three at once: a disk written and read back, a file from dom0, the other guests pinged")
    for guest, disk in DISKS.items():
        pings = [f"ping -c 2 -W 10 {address}" for other, address in addresses.items() if other != guest]
        start(story, guest, " && ".join([disk, f"net-test 192.168.77.1 file {checksum}", *pings]))
    outputs = {guest: finish(story, guest, "net-test: equal") for guest in DISKS}
    if not all("disk-test: equal" in output for output in outputs.values()):
        raise Failure("a disk gave back something else")
    return re.search("read +([0-9a-f]{32})", outputs["alpha"])[1]


def guest_to_guest(story, addresses, md5):
    story.say("64 MiB of alpha's disk to beta over TCP")
    start(story, "beta", f"nc -l -p {PORT} | md5sum")
    on_console(story, "alpha", f"head -c 64M /dev/xvdb >/dev/tcp/{addresses['beta']}/{PORT}")
    finish(story, "beta", md5)
    story.say("they arrived with the checksum that alpha's disk-test printed")


def tell_of_domains(story):
    story.say("verbs that tell")
    for line in ("bothy version", "bothy info", "bothy help pause", "bothy domid alpha", f"bothy domname {ids(story)['gamma']}",
                 "bothy uptime", "bothy vcpu-list", "bothy block-list alpha", "bothy create -n /guests/new.cfg",
                 "bothy info --json | jq .free_memory",
                 "bothy list --json | jq -c '.domains[] | [.domid, .name, .memory_mib, .state]'"):
        story.do(line)


def change_domains(story):
    story.say("verbs that change a running guest")
    for line in ("bothy rename gamma delta && bothy list delta && bothy rename delta gamma",
                 "bothy vcpu-pin alpha 1 0 && bothy vcpu-list alpha && bothy vcpu-pin alpha all all",
                 "bothy sched-credit -d beta -w 512 && bothy sched-credit", "bothy mem-set -w -t 60 alpha 224",
                 "bothy list alpha", "bothy mem-set -w -t 60 alpha 256", "bothy mem-max alpha 256",
                 "bothy vcpu-set alpha 1"):
        story.do(line, 90)
    wait_for("alpha has one CPU", lambda: on_console(story, "alpha", "nproc").strip() == "1")
    story.do("bothy vcpu-set alpha 2")
    cpu1 = "/sys/devices/system/cpu/cpu1/online"
    wait_for("alpha has two CPUs", lambda: on_console(
        story, "alpha", f"[ ! -e {cpu1} ] || echo 1 >{cpu1}; nproc").strip() == "2")
    story.do("bothy trigger beta nmi && bothy sysrq beta s")
    wait_for("beta's kernel had both", lambda: {"NMI", "sysrq"} <= set(re.findall(
        "NMI|sysrq", on_console(story, "beta", "dmesg | grep -E 'NMI received|sysrq: '; true"))))


def pause_under_load(story):
    story.say("beta is paused while it writes")
    start(story, "beta", "disk-test xvda 32")
    story.do("bothy pause beta")
    used = "bothy list --json beta | jq -c '.domains[0] | [.state, .cpu_time_seconds]'"
    before = story.do(used)
    time.sleep(1)
    if story.do(used) != before or "p" not in before:
        raise Failure("beta runs on although it is paused")
    story.do("bothy unpause beta")
    finish(story, "beta", "disk-test: equal")


def back_ends_die(story):
    story.say("a disk is plugged into beta; all back ends of disks and networks are killed while it writes, and nobody notices")
    story.do("truncate -s 64M /tmp/plugged && bothy block-attach beta /tmp/plugged,,xvdc,w && bothy block-list beta")
    start(story, "beta", "disk-test xvdc 48")
    story.do("usleep 300000; kill -9 $(pidof blkback netback); bothy network-list beta", 60)
    finish(story, "beta", "disk-test: equal")
    story.do("bothy block-detach beta xvdc", 60)


def comes_back(story, line, reason):
    """Have beta end by a line: it is created again, under another number, and the log says why."""
    story.say(f"{line}: it comes back under another number")
    old = ids(story)["beta"]
    story.do(line, 120)
    wait_successor(story, "beta", old)
    story.do(f"grep 'domain {old} ended ({reason})' /var/log/bothy/domaind.log")
    enter(story, "beta")
    story.machine.console_leave()


def reboot_and_crash(story):
    comes_back(story, "bothy reboot -w beta", "reboot")
    # Debian's kernels take few of the requests from outside; a crash is not among them.
    on_console(story, "beta", "echo 1 >/proc/sys/kernel/sysrq")
    # One that crashes at once after its creation is not restarted.
    story.machine.check("sleep 3")
    comes_back(story, "bothy sysrq beta c", "crash")


def end_all(story):
    story.say("beta is destroyed amid its I/O; alpha and gamma shut down, and their file systems are clean")
    start(story, "beta", "while true; do disk-test xvda 32; done")
    story.do("bothy destroy beta")
    wait_gone(story, "beta")
    story.do("bothy shutdown -a -w", 180)
    for guest in ("alpha", "gamma"):
        if story.do(debian_guest.STATE.format(guest)).strip() != "1":
            raise Failure(f"{guest} left its root file system mounted")
    story.do("bothy list")


def once_more(story, first):
    """Create and destroy all again. The first round paid what dom0 keeps for its guests; this one must cost nothing."""
    before = settle(story.machine, first, 5)
    if first - before > KEPT_PAGES:
        raise Failure(f"{first - before} frames are not back after the first round")
    for guest in ("alpha", "gamma"):
        create(story, guest)
    story.do("bothy create -p /guests/beta.cfg && bothy list && bothy unpause beta", 120)
    for guest in PROMPTS:
        story.do(f"bothy destroy {guest}")
        wait_gone(story, guest)
    after = settle(story.machine, before)
    story.say(f"free frames: {first} before the first guest, {before} after the first round, {after} after the second")
    if after != before:
        raise Failure(f"{before - after} frames are gone")


def verbs_check(story):
    """No verb was left out."""
    there = set(story.do("bothy help --json | jq -r '.verbs[].name'").split())
    used = {verb for line in story.lines for verb in re.findall(r"\bbothy ([a-z-]+)", line)} | {"console"}
    if there - used:
        raise Failure(f"verbs not shown: {' '.join(sorted(there - used))}")


def tell(story):
    story.say("booting: hypervisor, dom0")
    story.machine.wait_prompt(240)
    story.say("dom0 is up")
    look_around(story)
    first = free_pages(story.machine)
    checksum = serve(story)
    create_all(story)
    addresses = enter_all(story)
    md5 = work_at_once(story, addresses, checksum)
    guest_to_guest(story, addresses, md5)
    tell_of_domains(story)
    change_domains(story)
    pause_under_load(story)
    back_ends_die(story)
    reboot_and_crash(story)
    end_all(story)
    once_more(story, first)
    verbs_check(story)
    story.say("powering off")
    story.machine.send("poweroff\n")
    story.machine.wait_end(90)
    story.say("the machine is off: every step held")


def main():
    try:
        with Machine("tour", extra=dom0_devices.EXTRA) as machine:
            tell(Story(machine))
    except Failure as failure:
        sys.exit(f"demo: FAILED: {failure}\ndemo: the console's log is {machine.log_path}")


if __name__ == "__main__":
    main()
