#!/usr/bin/env python3
"""What a network of dom0's own back end does, but for deaths (netback_test.py).

Files go from each to each by TCP and arrive as they were, in packets larger than the MTU; packets come and go by routes and by
translation, too; an interface goes while it is flooded. In the end nothing is left.
"""
import json
import re

from netback_guests import DEMO6, DOM0, MIB, NEW, NEW6, ROUTED, Guests, addresses, require, stream_begin
from story import Story, on_machine

FRAME = 1514


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
    before = [guests.counts(n, f"{d}_bytes", f"{d}_packets") for n, d in counters]
    got = at[target](f"wget -q -O - http://{address}/file | md5sum").split()[0]
    require(got == guests.sums[source], f"{name[source]} has {guests.sums[source]}, {name[target]} got {got}")
    for (n, d), (size, packets) in zip(counters, before):
        size_after, packets_after = guests.counts(n, f"{d}_bytes", f"{d}_packets")
        mean = (size_after - size) / (packets_after - packets)
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


def removed(guests):
    guests.story.say("an interface goes while it is flooded")
    stream_begin(guests)
    guests.destroy("new")
    guests.run("demo", f"ping -c 1 -W 10 {DOM0}")
    guests.destroy("demo")
    guests.nothing_left()


def main(machine):
    guests = Guests(Story(machine))
    demo = addresses(guests)
    listed(guests)
    all_ways(guests, demo)
    routed(guests, demo)
    removed(guests)


if __name__ == "__main__":
    on_machine("network", main)
