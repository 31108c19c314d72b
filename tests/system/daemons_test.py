#!/usr/bin/env python3
"""dom0's daemons may die under running guests: each is started again and misses nothing.

With a guest up: each daemon is killed in turn, the process of the guest's disk, too, and afterwards the guest's
consoles, its store nodes and its disk still work. With domaind dead, the guest powers off: the next domaind
must find the death and reap it, and the name be free again.

Before that, a program in the place of devices' processes (escapes.c) tries to get out of their sandboxes.

All the while someone else is at the guest's console, and sees what it says, once, before and after consoled's death,
and its next life.
"""
import re
import time

from machine import Failure
from story import boot_demo, in_guest, on_machine, power_off, wait_for

DISK = "\"disk=['vdev=xvda,access=w,backend=user,target=/guests/demo.img']\""
CHANNEL = "\"channel=['connection=pty,name=org.example.test']\""
# Devices whose processes try, with the attempts that they make at least.
TRIES = (("block-attach demo /tmp/escape,,xvdb,rw,backend=user", 45),
         ("block-attach demo /tmp/escape,,xvdb,r,backend=user", 40),
         ("block-attach demo nbd://127.0.0.1/,,xvdb,rw,backend=user", 40),
         ("""create -q /guests/demo.cfg "name='other'" "disk=[]" "vif=['backend=user']\"""", 40))


def escapes(machine):
    """Each device is refused, with what became of the attempts as its reason."""
    machine.check("for p in blkback netback; do mount --bind /tools/escapes /bin/$p; done")
    machine.check("truncate -s 1M /tmp/escape; httpd -p 127.0.0.1:10809 -h /run/empty")
    for line, least in TRIES:
        status, out = machine.run(f"bothy {line}", 60)
        found = re.search(r"the back end says: (\d+) attempts, 0 wrong", out)
        if status == 0 or not found or int(found[1]) < least:
            raise Failure(f"{line}: {out}{machine.run('grep WRONG /var/log/bothy/escapes.log')[1]}")
    print(machine.check("cat /var/log/bothy/escapes.log"), end="")
    machine.check("umount /bin/blkback; umount /bin/netback; rm /tmp/escape")


def pid(machine, daemon, other_than="", seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        _, out = machine.run(f"pidof {daemon}")
        if out.strip() and out.strip() != other_than:
            return out.strip()
        time.sleep(0.5)
    raise Failure(f"{daemon} does not run")


def kill(machine, daemon):
    """Kill it, and wait for the next one. Its start leaves the console as it is: someone may be at a guest's there."""
    old = pid(machine, daemon)
    machine.check(f"stty -echo; kill -9 {old.split()[0]}; "
                  f"for i in $(seq 300); do p=$(pidof {daemon}); case $p in ''|'{old}') usleep 100000;; *) break;; esac; done; "
                  "stty -a | grep -q -e ' -echo '; kept=$?; stty echo; [ $kept = 0 ]", 60)
    pid(machine, daemon, old)
    # A new daemon serves when the toolstack gets its answers.
    machine.check(". /etc/ready; bothy list", 60)


def look_on(machine):
    """Someone who looks at the guest's console, and types nothing."""
    machine.check("mkfifo /tmp/keys; (sleep 1000 >/tmp/keys &); "
                  "(bothy console -r demo </tmp/keys >/tmp/seen 2>/tmp/said &) ; sleep 1; grep guest-ready /tmp/seen")


def seen_once(machine, words):
    """Have the guest say @words, which the line that has it do so does not hold; who looks on must see them once."""
    half = len(words) // 2
    in_guest(machine, "demo", f"echo {words[:half]}''{words[half:]}")
    wait_for(f"{words} is seen", lambda: machine.run(f"grep {words} /tmp/seen")[0] == 0)
    if (count := machine.run(f"grep -c {words} /tmp/seen")[1].strip()) != "1":
        raise Failure(f"{words} was seen {count} times\n{machine.check('cat /tmp/said; tail -5 /tmp/seen')}")


def second_console(machine, words):
    """A channel is the guest's hvc1, and console 1 for dom0: a line goes either way."""
    in_guest(machine, "demo", f"echo {words}-out >/dev/hvc1")
    in_guest(machine, "demo", "(head -n 1 </dev/hvc1 >/tmp/got &)")
    machine.check(f"(echo {words}-in; sleep 3) | bothy console -n 1 demo >/tmp/second; grep {words}-out /tmp/second")
    if in_guest(machine, "demo", "cat /tmp/got").strip() != f"{words}-in":
        raise Failure(f"console 1: the guest did not get {words}-in")


def said(machine, words):
    wait_for(words, lambda: machine.run(f"grep '{words}' /tmp/said")[0] == 0)


def wait_gone(machine, seconds=60):
    end = time.monotonic() + seconds
    while "demo" in machine.check("bothy list"):
        if time.monotonic() > end:
            raise Failure("the guest's death was missed")
        time.sleep(1)


def main(machine):
    boot_demo(machine, f"{DISK} {CHANNEL}")
    second_console(machine, "before")
    escapes(machine)
    look_on(machine)
    for daemon in ("xenstored", "consoled", "domaind", "backendd", "blkback"):
        if daemon == "consoled":
            seen_once(machine, "before-its-death")
        kill(machine, daemon)
        if "equal" not in in_guest(machine, "demo", "disk-test xvda 4"):
            raise Failure("disk-test: not equal")
    said(machine, "consoled is back")
    seen_once(machine, "after-its-death")
    second_console(machine, "after")
    # Gone while nobody looks: init waits a second before it starts domaind again.
    machine.check("bothy shutdown demo; while bothy list | grep -q demo; do kill -9 $(pidof domaind) 2>/dev/null;"
                  " n=$((n+1)); [ $n -lt 40 ] || break; sleep 0.3; done; true", 120)
    wait_gone(machine)
    said(machine, "has ended")
    machine.check("bothy create -q /guests/demo.cfg", 120)
    said(machine, "demo is domain 3 now")
    wait_for("its next life is up", lambda: machine.run("[ $(grep -c guest-ready /tmp/seen) -gt 1 ]")[0] == 0)
    machine.check("bothy destroy demo")
    said(machine, "domain 3. has ended")
    machine.check("kill $(pidof bothy); sleep 1; ! pidof bothy")
    power_off(machine)


if __name__ == "__main__":
    on_machine("daemons", main)
