#!/usr/bin/env python3
"""Two guests on networks of dom0's own back end: all that a network does, and deaths that nobody sees.

demo runs Debian's kernel 6.1 with two virtual CPUs, so with two queues; new runs 6.12. Files go from each to each
by TCP and arrive as they were, in packets larger than the MTU. While a stream goes from guest to guest, the process of
either's interface, or now and then the daemon that starts them, is killed: the stream goes on, no kernel says a word, the
states in the store stay as they are. What a guest sends as someone else does not arrive; a rate holds; packets come
and go by routes and by translation, too; an interface goes while it is flooded. In the end nothing is left.

    tests/system/netback_test.py [KILLS]
"""
import json
import random
import re
import sys

from machine import Failure
from story import KERNEL_WORDS, Story, create, enter, ids, in_guest, kills, on_machine, wait_for, wait_gone

DOM0, NEW, ROUTED, NAT = "192.168.77.1", "192.168.77.240", "192.168.77.251", "10.77.0.2"
LIMITED, LIMITED_DOM0 = "10.78.0.2", "10.78.0.1"
DEMO6, NEW6 = "fd00:77::1", "fd00:77::2"
RATE = 100000
MIB = 2
FRAME = 1514
VIFS = {
    "demo": ["bridge=xenbr0", f"mode=routed,ip={ROUTED}"],
    "new": [f"bridge=xenbr0,ip={NEW} {NEW6}", f"mode=nat,ip={NAT}", f"bridge=xenbr0,rate={RATE}B/s"],
}


class Guests:
    """The two, with what is said on their consoles."""

    def __init__(self, story):
        self.story, self.machine, self.number = story, story.machine, {}
        self.sums = {}
        for at, (name, vifs) in enumerate(VIFS.items()):
            entries = ",".join(f"'mac=00:16:3e:00:0{at}:0{i},backend=user,{vif}'" for i, vif in enumerate(vifs))
            create(story, name, f"vcpus={2 - at} \"vif=[{entries}]\"")
        self.number = ids(story)
        # An interface answers for its own addresses alone, or who has two on a bridge could be met at either.
        for name in VIFS:
            enter(story, name)
            self.machine.console_leave()
            self.run(name, "echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore")

    def run(self, name, line):
        return in_guest(self.machine, name, line)

    def vif(self, name, index=0):
        return f"vif{self.number[name]}.{index}"

    def count(self, name, what, index=0):
        """What dom0's interface of a guest's has counted; rx is what the guest has sent."""
        return int(self.machine.check(f"cat /sys/class/net/{self.vif(name, index)}/statistics/{what}"))


def require(holds, what):
    if not holds:
        raise Failure(what)


def addresses(guests):
    """demo's by DHCP, of the interfaces that are not routed; new's by hand, since its guard lets no other through."""
    shown = guests.run("demo", "ip addr show eth0")
    found = re.search(r"inet (192\.168\.77\.\d+)/", shown)
    require(found, f"demo has no address by DHCP: {shown}")
    guests.run("new", f"ip -4 addr flush dev eth0; ip addr add {NEW}/24 dev eth0; "
                      f"ip addr add {NAT}/24 dev eth1; ip link set eth1 up; "
                      f"ip addr add {LIMITED}/24 dev eth2; ip link set eth2 up")
    guests.machine.check(f"ip addr add {LIMITED_DOM0}/24 dev xenbr0")
    return found[1]


def listed(guests):
    told = json.loads(guests.machine.check("bothy network-list --json demo"))
    first, second = told["vifs"]
    require(first["backend"] == "user" and first["mode"] == "bridged" and first["state"] == 4, f"network-list: {told}")
    require(second["mode"] == "routed" and second["ip"] == ROUTED, f"network-list: {told}")
    queues = guests.run("demo", "ls /sys/class/net/eth0/queues")
    require("tx-1" in queues, f"demo has one queue: {queues}")


def file_goes(guests, source, target, address):
    """A file by TCP from @source to @target, None being dom0, in packets that are larger than the MTU."""
    at = {n: (lambda line, n=n: guests.run(n, line) if n else guests.machine.check(line)) for n in (source, target)}
    name = {n: n or "dom0" for n in at}
    counters = [(n, "rx" if n == source else "tx") for n in (source, target) if n]
    before = [(guests.count(n, f"{d}_bytes"), guests.count(n, f"{d}_packets")) for n, d in counters]
    got = at[target](f"wget -q -O - http://{address}/file | md5sum").split()[0]
    require(got == guests.sums[source], f"{name[source]} has {guests.sums[source]}, {name[target]} got {got}")
    for (n, d), (size, packets) in zip(counters, before):
        mean = (guests.count(n, f"{d}_bytes") - size) / (guests.count(n, f"{d}_packets") - packets)
        print(f"           {name[source]} to {name[target]}: {mean:.0f} bytes a packet at {guests.vif(n)}")
        require(mean > FRAME, f"{name[source]} to {name[target]}: packets are cut at {guests.vif(n)}")


def all_ways(guests, demo):
    guests.story.say("files by TCP, each way; packets in pieces, by both versions of IP")
    make = f"mkdir -p /tmp/www; head -c {MIB}m /dev/urandom >/tmp/www/file; httpd -p 80 -h /tmp/www; md5sum </tmp/www/file"
    guests.sums = {n: (guests.run(n, make) if n else guests.machine.check(make)).split()[0] for n in (None, "demo", "new")}
    guests.run("demo", f"ip addr add {DEMO6}/64 dev eth0")
    guests.run("new", f"ip addr add {NEW6}/64 dev eth0")
    file_goes(guests, "demo", None, demo)
    file_goes(guests, None, "demo", DOM0)
    file_goes(guests, "new", None, NEW)
    file_goes(guests, None, "new", DOM0)
    file_goes(guests, "demo", "new", demo)
    file_goes(guests, "new", "demo", NEW)
    file_goes(guests, "new", "demo", f"[{NEW6}]")
    guests.run("new", f"ping -c 2 -s 4000 -W 10 {demo}; ping -c 2 -s 4000 -W 10 {DEMO6}")
    guests.run("demo", f"ping -c 2 -s 4000 -W 10 {NEW}; ping -c 2 -s 4000 -W 10 {NEW6}")


def summing(port):
    """A line that lets a shell sum up what comes by TCP, in /tmp/got when /tmp/done is there."""
    return f"rm -f /tmp/done; (nc -l -p {port} -e sh -c 'md5sum >/tmp/got'; touch /tmp/done) >/dev/null 2>&1 & sleep 0.5"


def stream_begin(guests):
    """Data that does not end, from demo to new; its sum on either side."""
    guests.run("new", summing(5010))
    guests.run("demo", "rm -f /tmp/stop /tmp/pipe /tmp/sent; mkfifo /tmp/pipe; "
                       "(md5sum </tmp/pipe >/tmp/sum; mv /tmp/sum /tmp/sent) >/dev/null 2>&1 & sleep 0.2")
    guests.run("demo", "(until [ -e /tmp/stop ]; do cat /tmp/www/file; done | tee /tmp/pipe | nc "
                       f"{NEW} 5010) >/dev/null 2>&1 & sleep 1")


def states(machine):
    return machine.check("for d in 1 2; do for i in 0 1 2; do bothy network-list --json $d | grep state; done; done")


def deaths(guests, count, seed):
    """The stream goes on through @count of them."""
    machine = guests.machine
    words = [int(guests.run(n, KERNEL_WORDS)) for n in VIFS]
    stream_begin(guests)
    dom0_before, states_before = machine.check(KERNEL_WORDS), states(machine)
    guests.story.say(f"{count} deaths under a stream from guest to guest")
    before = guests.count("new", "tx_bytes")
    kills(machine, "netback", count, seed)
    wait_for("the last successors serve", lambda: len(machine.run("pidof netback")[1].split()) == 5)
    middle = guests.count("new", "tx_bytes")
    wait_for("the stream goes on", lambda: guests.count("new", "tx_bytes") > middle + (1 << 20))
    require(states(machine) == states_before, "states in the store have changed")
    sent = guests.run("demo", "touch /tmp/stop; until [ -e /tmp/sent ]; do usleep 10000; done; cat /tmp/sent").split()[0]
    got = guests.run("new", "until [ -e /tmp/done ]; do usleep 10000; done; cat /tmp/got").split()[0]
    require(sent == got, f"{sent} was sent, {got} arrived")
    print(f"           {(guests.count('new', 'tx_bytes') - before) >> 20} MiB arrived")
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
    guests.run("new", f"ip addr add 192.168.77.241/24 dev eth0; ! ping -c 2 -W 2 -I 192.168.77.241 {DOM0}; r=$?; "
                      f"ip addr del 192.168.77.241/24 dev eth0; [ $r = 0 ] && ping -c 1 -W 10 {DOM0}")


def routed(guests, demo):
    """demo's second interface has an address of the bridge's network: dom0 answers for it there, with its own MAC."""
    guests.story.say("by routes, and by translation")
    machine = guests.machine
    guests.run("demo", f"ip addr add {ROUTED}/32 dev eth1; ip link set eth1 up; ip route add {NEW} dev eth1 src {ROUTED}")
    guests.run("new", f"ping -c 2 -W 10 {ROUTED}")
    mac = machine.check("cat /sys/class/net/xenbr0/address").strip()
    require(re.search(rf"{re.escape(ROUTED)}\b.*{mac}", guests.run("new", "arp -n")), "dom0 does not answer for a routed guest")
    guests.run("demo", f"ping -c 2 -W 10 {NEW}; ip route del {NEW} dev eth1")
    # What new sends by its second interface comes to demo from dom0.
    guests.run("demo", "rm -f /tmp/from; (nc -l -p 5011 -e /bin/sh -c 'netstat -tn >/tmp/from') >/dev/null 2>&1 & sleep 0.5")
    guests.run("new", f"ip route add {demo} via 10.77.0.1 dev eth1; nc {demo} 5011 </dev/null; ip route del {demo}")
    seen = guests.run("demo", "until [ -s /tmp/from ]; do usleep 10000; done; cat /tmp/from")
    require(re.search(rf":5011 .*\b{re.escape(DOM0)}:\d", seen), f"a translated guest is seen as itself: {seen}")


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


def removed(guests):
    guests.story.say("an interface goes while it is flooded")
    stream_begin(guests)
    guests.story.do("bothy destroy new", 60)
    wait_gone(guests.story, "new")
    guests.run("demo", f"ping -c 1 -W 10 {DOM0}")
    guests.story.do("bothy destroy demo", 60)
    wait_gone(guests.story, "demo")
    left = guests.machine.check("ls /run/backendd; pidof netback || true; ls /sys/class/net | grep vif || true; "
                                "xtables-legacy-multi iptables -t nat -S | grep vif || true; arp -n | grep -i ' pub\\| PERM' || true")
    require(not left.strip(), f"left behind: {left}")


def main(machine):
    count = int(sys.argv[1]) if sys.argv[1:] else 20
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    guests = Guests(Story(machine))
    demo = addresses(guests)
    listed(guests)
    all_ways(guests, demo)
    deaths(guests, count, seed)
    as_someone_else(guests)
    routed(guests, demo)
    limited(guests)
    removed(guests)


if __name__ == "__main__":
    on_machine("netback", main)
