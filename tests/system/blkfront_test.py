#!/usr/bin/env python3
"""Linux's blkfront, of two kernels, on disks that dom0's own back end serves: each feature by its name.

All disks are plugged in while the guests run. What a guest's kernel sees is asked there (guest/bin/blk-feature), what it says
in the store here. A feature that does not hold is the test's failure; those that do are told, for each kernel.
"""
import os
import sys

from machine import BUILD, Failure, Machine, drive
from story import GUEST_PROMPT, Story, enter, in_guest, nothing_left, wait_for

GUESTS = {"demo": "6.1", "new": "6.12"}
DIR = "/run/disks"
FOUR = "/dev/disk/by-id/virtio-four"

# The store, as its socket has it: xs PATH... reads nodes, a line each; xs -w PATH VALUE writes one. In the tools' root, where
# perl's modules are.
XS = (r"""xs() { chroot /tools perl -MIO::Socket::UNIX -e 'my $s=IO::Socket::UNIX->new(Peer=>"/run/xenstored/socket") or die; """
      r"""sub ask { my($type,$b)=@_; print $s pack("V4",$type,0,0,length $b).$b; $s->flush; read $s,my $h,16; """
      r"""read $s,my $r,(unpack "V4",$h)[3]; print "$r\n" } """
      r"""if ($ARGV[0] eq "-w") { ask(11,"$ARGV[1]\0$ARGV[2]") } else { ask(2,"$_\0") for @ARGV }' -- "$@"; }""")
# What is plugged in at first: letter, size, settings.
DISKS = (("a", "24M", ""), ("b", "8M", "secure-discard=overwrite"), ("c", "8M", "access=ro"), ("d", "8M", "sector-size=4096"))


class Features:
    """The features of one guest's disks."""

    def __init__(self, story, guest):
        self.story, self.machine, self.guest = story, story.machine, guest

    def hold(self, *names):
        for name in names:
            print(f"blkfront {GUESTS[self.guest]}: {name}: holds", flush=True)

    def front(self, letter, node):
        return f"/local/domain/{self.domid}/device/vbd/{self.number(letter)}/{node}"

    def back(self, letter, node):
        return f"/local/domain/0/user-backend/vbd/{self.domid}/{self.number(letter)}/{node}"

    @staticmethod
    def number(letter):
        return 51712 + 16 * (ord(letter) - ord("a"))

    def nodes(self, *paths):
        """The values of nodes of the store."""
        return self.machine.check(f"xs {' '.join(paths)}").split()

    def file(self, letter):
        return f"{DIR}/{self.guest}-{letter}"

    def attachment(self, letter, settings="", target=None):
        return (f"bothy block-attach {self.guest} vdev=xvd{letter},backend=user{settings and ','}{settings},"
                f"'target={target or self.file(letter)}'")

    def attach(self, letter, size, settings=""):
        self.machine.check(f"truncate -s {size} {self.file(letter)}; {self.attachment(letter, settings)}", 90)

    def asks(self, *features, timeout=120):
        """Have the guest try features: words of blk-feature."""
        in_guest(self.machine, self.guest, " && ".join(f"blk-feature {feature}" for feature in features), timeout)

    def create(self):
        # blkfront takes pages for all that its rings can hold: some 17 MiB a disk here.
        self.machine.check(f"bothy create -q /guests/{self.guest}.cfg vcpus=2 memory=384 \"disk=[]\"", 120)
        self.domid = int(self.machine.check(f"bothy domid {self.guest}"))

    def plug(self):
        enter(self.story, self.guest)
        # The driver anew, with more pages for its rings than it takes by itself.
        self.machine.check("rmmod xen_blkfront; modprobe xen-blkfront max_ring_page_order=1", 60, GUEST_PROMPT)
        self.machine.console_leave()
        lines = [f"truncate -s {size} {self.file(letter)} && {self.attachment(letter, settings)}"
                 for letter, size, settings in DISKS]
        self.machine.check(" && ".join((*lines, self.attachment("e", "access=ro", FOUR))), 90)
        self.hold("hot-plug")

    def seen_in_store(self):
        a = [self.front("a", node) for node in ("multi-queue-num-queues", "ring-page-order", "queue-1/ring-ref1",
                                                "feature-persistent")]
        found = self.nodes(*a, self.back("a", "feature-persistent"), self.back("a", "feature-max-indirect-segments"))
        if found[:2] != ["2", "1"] or not found[2].isdigit() or found[3:] != ["1", "1", "64"]:
            raise Failure(f"{self.guest}: the store has {found}")
        # Pages that were read to and written from stay mapped.
        mapped = self.machine.check("cat /proc/[0-9]*/maps 2>/dev/null | grep -c /dev/xen/gntdev")
        if int(mapped) < 64:
            raise Failure(f"{self.guest}: {mapped} pages are mapped")
        self.hold("multi-queue", "multi-page rings", "persistent grants", "indirect descriptors")

    def try_first(self):
        self.asks("queues xvda 2", "segments xvda 32", "flush xvda 0", "discard xvda", "secure-discard xvdb", "read-only xvdc",
                  "sectors xvdd 4096", "sectors xvde 4096")
        self.seen_in_store()
        # What was discarded securely was written.
        used = int(self.machine.check(f"stat -c %b {self.file('b')}"))
        if used < 512:
            raise Failure(f"{self.guest}: a secure discard has left {used} blocks")
        self.hold("flush", "discard", "secure discard", "read-only", "4 KiB sectors")

    def resize(self):
        self.machine.check(f"truncate -s 32M {self.file('a')}")
        self.asks("size xvda 65536")
        self.hold("online resize")

    def barrier(self):
        """blkfront uses barriers where there is no flush: what the back end says of that is changed before it is read."""
        g = self.guest
        self.machine.check(
            f"truncate -s 4M {self.file('f')}; bothy pause {g}; {self.attachment('f')}; "
            "w=$(pidof blkback | tr ' ' '\\n' | sort -n | tail -1); kill -STOP $w; bothy unpause " + g, 90)
        self.machine.check(
            f"until [ $(xs {self.front('f', 'state')}) = 3 ]; do usleep 20000; done; bothy pause {g}; kill -CONT $w; "
            f"until [ $(xs {self.back('f', 'state')}) = 4 ]; do usleep 20000; done; "
            f"xs -w {self.back('f', 'feature-flush-cache')} 0; bothy unpause {g}", 90)
        self.asks("barrier xvdf 1")
        self.hold("barrier")

    def under_load(self):
        """A disk comes and goes while another is verified; then once more, itself in use."""
        g, m = self.guest, self.machine
        in_guest(m, g, "rm -f /tmp/ended; (verify /dev/xvda 1000 4 >/tmp/verify; echo $? >/tmp/ended) & usleep 100000")
        self.attach("g", "8M")
        self.asks("verify xvdg 1")
        m.check(f"bothy block-detach {g} xvdg; {self.attachment('g')}", 90)
        in_guest(m, g, "blk-feature queues xvdg 2 && "
                 "{ (while dd if=/dev/xvdg of=/dev/null bs=64k; do :; done) >/dev/null 2>&1 & usleep 100000; }")
        m.check(f"bothy block-detach {g} xvdg", 60)
        # By its driver, which goes on.
        self.attach("h", "4M", "bytes-per-second=1m,burst=100")
        told = in_guest(m, g, "blk-feature gone xvdg && blk-feature rate xvdh 1536; killall -INT verify; "
                        "until [ -s /tmp/ended ]; do usleep 50000; done; cat /tmp/ended /tmp/verify")
        if not told.startswith("0\n") or "all as written" not in told:
            raise Failure(f"{g}: verify: {told}")
        self.hold("removal and hot-plug under load", "limits")

    def forced(self):
        """Taken without a question, in use."""
        g, m = self.guest, self.machine
        in_guest(m, g, "(while dd if=/dev/xvdb of=/dev/null bs=64k; do :; done) >/dev/null 2>&1 & usleep 100000")
        m.check(f"bothy block-detach --force {g} xvdb", 60)
        self.asks("gone xvdb")
        if m.run(f"ls -d /run/backendd/vbd-{self.domid}-{self.number('b')}")[0] == 0:
            raise Failure(f"{g}: a disk that was taken is still served")
        self.hold("removal by force")


def threads(features):
    """Without io_uring, where the kernel lets one forbid it."""
    m = features.machine
    m.check("sysctl -qw kernel.io_uring_disabled=2")
    features.attach("i", "8M")
    m.check("sysctl -qw kernel.io_uring_disabled=0; grep -q 'threads do its work' /var/log/bothy/blkback.log")
    features.asks("verify xvdi 1", "flush xvdi 0", "discard xvdi")
    features.hold("threads instead of io_uring")


def nbd(features, name, target, kills=2):
    """An export, whose process is killed under a load that verifies."""
    m, g = features.machine, features.guest
    w = m.check(f"{features.attachment('j', target=target)}; pidof blkback | tr ' ' '\\n' | sort -n | tail -1", 90).strip()
    in_guest(m, g, "blk-feature verify xvdj 0; rm -f /tmp/ended; (verify /dev/xvdj 1000 4 >/tmp/verify; echo $? >/tmp/ended) & usleep 300000")
    for _ in range(kills):
        m.check(f"kill -9 {w}")
        w = wait_for("a successor", lambda: next((p for p in m.run("pidof blkback")[1].split() if int(p) > int(w)), None))
        m.check("usleep 300000")
    told = in_guest(m, g, "killall -INT verify; until [ -s /tmp/ended ]; do usleep 50000; done; cat /tmp/ended /tmp/verify")
    if not told.startswith("0\n") or "all as written" not in told:
        raise Failure(f"{name}: verify: {told}")
    features.asks("flush xvdj 0", "discard xvdj")
    m.check(f"bothy block-detach {g} xvdj", 60)
    features.hold(name)


def main(machine):
    story = Story(machine)
    machine.check(f"mkdir {DIR}; {XS}")
    machine.check(f"chroot /tools qemu-img create -q -f qcow2 {DIR}/q 16M && "
                  f"(chroot /tools nbdkit -f -U {DIR}/s memory 16M >/dev/null 2>&1 &)")
    first, second = all_features = [Features(story, guest) for guest in GUESTS]
    for f in all_features:
        f.create()
    for f in all_features:
        f.plug()
        f.try_first()
        f.resize()
        f.barrier()
        f.under_load()
    threads(first)
    nbd(first, "NBD, a server of our own", f"nbd+exec:chroot /tools qemu-nbd --discard=unmap -f qcow2 {DIR}/q")
    nbd(second, "NBD, a server of someone else's", f"nbd+unix:///?socket={DIR}/s")
    for f in all_features:
        f.forced()
    machine.check("bothy destroy demo; bothy destroy new", 90)
    nothing_left(machine, "pidof blkback qemu-nbd || true; ls /run/backendd")


def run():
    """dom0's newer kernel: the other has no switch for io_uring. One more disk, with sectors of 4 KiB."""
    image = BUILD / "test-logs" / "four.img"
    image.parent.mkdir(parents=True, exist_ok=True)
    with open(image, "wb") as f:
        f.truncate(16 << 20)
    extra = (*drive("test-logs/four", "four"), "-device",
             "virtio-blk-pci,drive=four,serial=four,logical_block_size=4096,physical_block_size=4096")
    try:
        with Machine("blkfront", dom0_kernel="dom0-6.12", extra=extra) as machine:
            machine.wait_prompt()
            main(machine)
    except Failure as failure:
        sys.exit(f"blkfront: {failure}")
    finally:
        os.unlink(image)


if __name__ == "__main__":
    run()
