"""Two guests on networks of dom0's own back end, netback, and what tests of it share.

demo runs Debian's kernel 6.1 with two virtual CPUs, so with two queues; new runs 6.12. netback_test.py kills who serves them,
network_test.py has the rest of what a network does.
"""
import re

from machine import Failure
from story import create, enter, ids, in_guest, nothing_left, wait_gone

DOM0, NEW, ROUTED, NAT = "192.168.77.1", "192.168.77.240", "192.168.77.251", "10.77.0.2"
LIMITED, LIMITED_DOM0 = "10.78.0.2", "10.78.0.1"
DEMO6, NEW6 = "fd00:77::1", "fd00:77::2"
RATE = 100000
MIB = 2
VIFS = {
    "demo": ["bridge=xenbr0", f"mode=routed,ip={ROUTED}"],
    "new": [f"bridge=xenbr0,ip={NEW} {NEW6}", f"mode=nat,ip={NAT}", f"bridge=xenbr0,rate={RATE}B/s"],
}


class Guests:
    """The two, with what is said on their consoles."""

    def __init__(self, story):
        self.story, self.machine, self.number = story, story.machine, {}
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

    def counts(self, name, *what):
        """What dom0's first interface of a guest's has counted; rx is what the guest has sent."""
        files = " ".join(f"/sys/class/net/{self.vif(name)}/statistics/{w}" for w in what)
        return [int(n) for n in self.machine.check(f"cat {files}").split()]

    def destroy(self, name):
        self.story.do(f"bothy destroy {name}", 60)
        wait_gone(self.story, name)

    def nothing_left(self):
        nothing_left(self.machine, "ls /run/backendd; pidof netback || true; ls /sys/class/net | grep vif || true; "
                     "xtables-legacy-multi iptables -t nat -S | grep vif || true; arp -n | grep -i ' pub\\| PERM' || true")


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


def summing(port):
    """A line that lets a shell sum up what comes by TCP, in /tmp/got when /tmp/done is there."""
    return f"rm -f /tmp/done; (nc -l -p {port} -e sh -c 'md5sum >/tmp/got'; touch /tmp/done) >/dev/null 2>&1 & sleep 0.5"


def stream_begin(guests):
    """Data that does not end, from demo to new; its sum on either side."""
    guests.run("new", summing(5010))
    guests.run("demo", f"mkdir -p /tmp/www; head -c {MIB}m /dev/urandom >/tmp/www/file")
    guests.run("demo", "rm -f /tmp/stop /tmp/pipe /tmp/sent; mkfifo /tmp/pipe; "
                       "(md5sum </tmp/pipe >/tmp/sum; mv /tmp/sum /tmp/sent) >/dev/null 2>&1 & sleep 0.2")
    guests.run("demo", "(until [ -e /tmp/stop ]; do cat /tmp/www/file; done | tee /tmp/pipe | nc "
                       f"{NEW} 5010) >/dev/null 2>&1 & sleep 1")
