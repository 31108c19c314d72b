#!/usr/bin/env python3
"""Two guests on networks of dom0's own back end: deaths that nobody sees.

While a stream goes from guest to guest, the process of either's interface, or now and then the daemon that starts them, is
killed: the stream goes on, no kernel says a word, the states in the store stay as they are. The successors know what each
guest may: what one sends as someone else does not arrive, and a rate holds. In the end nothing is left.

    tests/system/netback_test.py [KILLS]
"""
import random
import sys

from netback_guests import DOM0, LIMITED_DOM0, RATE, VIFS, Guests, addresses, require, stream_begin
from story import KERNEL_WORDS, Story, kills, on_machine, wait_for


def arrived(guests):
    """Bytes that new was given."""
    return guests.counts("new", "tx_bytes")[0]


def states(machine):
    return machine.check("for d in 1 2; do for i in 0 1 2; do bothy network-list --json $d | grep state; done; done")


def deaths(guests, count, seed):
    """The stream goes on through @count of them."""
    machine = guests.machine
    words = [int(guests.run(n, KERNEL_WORDS)) for n in VIFS]
    stream_begin(guests)
    dom0_before, states_before = machine.check(KERNEL_WORDS), states(machine)
    guests.story.say(f"{count} deaths under a stream from guest to guest")
    before = arrived(guests)
    kills(machine, "netback", count, seed)
    wait_for("the last successors serve", lambda: len(machine.run("pidof netback")[1].split()) == 5)
    middle = arrived(guests)
    wait_for("the stream goes on", lambda: arrived(guests) > middle + (1 << 20))
    require(states(machine) == states_before, "states in the store have changed")
    sent = guests.run("demo", "touch /tmp/stop; until [ -e /tmp/sent ]; do usleep 10000; done; cat /tmp/sent").split()[0]
    got = guests.run("new", "until [ -e /tmp/done ]; do usleep 10000; done; cat /tmp/got").split()[0]
    require(sent == got, f"{sent} was sent, {got} arrived")
    print(f"           {(arrived(guests) - before) >> 20} MiB arrived")
    for name, lines in zip(VIFS, words):
        require(int(guests.run(name, KERNEL_WORDS)) == lines, f"{name}'s kernel noticed: {guests.run(name, 'dmesg | tail -3')}")
    require(machine.check(KERNEL_WORDS) == dom0_before, f"dom0's kernel complains: {machine.check('dmesg | tail -5')}")


def as_someone_else(guests):
    guests.story.say("addresses that are not the guest's own")
    change = "ip link set eth0 down; ip link set eth0 address {}; ip link set eth0 up"
    guests.run("demo", change.format("00:16:3e:00:00:99"))
    guests.run("demo", f"! ping -c 2 -W 2 {DOM0}")
    # Addresses that the bridge has learnt: records of sixteen bytes.
    require("00 16 3e 00 00 99" not in guests.machine.check("od -An -tx1 /sys/class/net/xenbr0/brforward"),
            "the bridge has seen another's address")
    guests.run("demo", change.format("00:16:3e:00:00:00") + f"; ping -c 1 -W 10 {DOM0}")
    # It has met dom0: what is refused is then a packet, not the question for dom0's MAC, behind which later packets would wait.
    guests.run("new", f"ping -c 1 -W 10 {DOM0}")
    guests.run("new", f"ip addr add 192.168.77.241/24 dev eth0; ! ping -c 2 -W 2 -I 192.168.77.241 {DOM0}; r=$?; "
                      f"ip addr del 192.168.77.241/24 dev eth0; [ $r = 0 ] && ping -c 1 -W 10 {DOM0}")


def limited(guests):
    """Bytes by dom0's own clock: no more than the rate, whatever the machine's speed."""
    guests.story.say(f"a rate of {RATE} bytes a second")
    machine, line = guests.machine, "cut -d' ' -f1 /proc/uptime; cat /sys/class/net/{}/statistics/rx_bytes"
    machine.check("(nc -l -p 5012 -e sh -c 'cat >/dev/null') >/dev/null 2>&1 & sleep 0.5")
    guests.run("new", f"(nc {LIMITED_DOM0} 5012 </dev/zero) >/dev/null 2>&1 & sleep 1")
    start, first = machine.check(line.format(guests.vif("new", 2))).split()
    machine.check("sleep 4")
    end, last = machine.check(line.format(guests.vif("new", 2))).split()
    guests.run("new", "killall nc")
    size, seconds = int(last) - int(first), float(end) - float(start)
    print(f"           {size} bytes in {seconds:.1f} s")
    # Two parts more than there are intervals, and what one packet owes.
    require(0 < size <= RATE * seconds + 2 * RATE / 20 + 65536, f"{size} bytes in {seconds} s")


def main(machine):
    count = int(sys.argv[1]) if sys.argv[1:] else 20
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    guests = Guests(Story(machine))
    addresses(guests)
    deaths(guests, count, seed)
    as_someone_else(guests)
    limited(guests)
    for name in VIFS:
        guests.destroy(name)
    guests.nothing_left()


if __name__ == "__main__":
    on_machine("netback", main)
