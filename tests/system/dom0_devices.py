"""dom0's own devices: one image behind three controllers, two network cards, by MSI-X, MSI and legacy interrupts.

An image is read through virtio, NVMe and AHCI and must be the same; the two last are then bound again with messages
forbidden. The interrupts must be of the kind that was meant, and come.
"""
import re

from machine import BUILD, Failure, drive

READ_MIB = 32
MSI_X, MSI, LEGACY = "msi-x", "msi", "ioapic-level"
# On top of machine.devices(): the image once more behind two controllers, and a second card.
EXTRA = [*drive("debian", "fast"), "-device", "nvme,drive=fast,serial=fast",
         *drive("debian", "slow"), "-device", "ich9-ahci,id=sata", "-device", "ide-hd,drive=slow,bus=sata.0",
         "-netdev", "user,id=second,net=10.0.3.0/24", "-device", "e1000,netdev=second"]


def interrupts(story, names, shown=True):
    """(kinds, count) of the interrupts whose name matches."""
    line = f"grep -E '({names})' /proc/interrupts"
    text = story.do(line) if shown else story.machine.check(line)
    kinds = {kind.lower() for kind in re.findall(r"xen-pirq\s+-(\S+)", text)}
    return kinds, sum(int(n) for row in text.splitlines() for n in re.findall(r"\s(\d+)(?=\s)", row))


def by(story, kind, names, work):
    """Do @work, which makes devices interrupt: by interrupts of that kind. Returns what it returns."""
    before = interrupts(story, names, False)[1]
    result = work()
    kinds, after = interrupts(story, names)
    if kinds != {kind}:
        raise Failure(f"{names}: interrupts by {' '.join(sorted(kinds))}, not {kind}")
    if after <= before:
        raise Failure(f"{names}: no interrupt came")
    return result


def read(story, disk):
    return story.do(f"dd if={disk} bs=1M count={READ_MIB} 2>/dev/null | md5sum", 120).split()[0]


def without_messages(story, driver):
    """Bind the driver's one device again, with MSI and MSI-X forbidden."""
    sys = f"/sys/bus/pci/drivers/{driver}"
    story.do(f"cd {sys}; d=$(echo 0000:*); echo 0 >$d/msi_bus; echo $d >unbind; echo $d >bind; cd")


def show(story):
    story.say("dom0's disk controllers and network cards by MSI-X and MSI: one image, read through each")
    sums = [by(story, MSI_X, r"virtio[0-9]+-req\.", lambda: read(story, "/dev/disk/by-id/virtio-alpha")),
            by(story, MSI_X, "nvme0q", lambda: read(story, "/dev/nvme0n1")),
            by(story, MSI, "ahci", lambda: read(story, "/dev/sda"))]
    by(story, MSI_X, r"virtio[0-9]+-input\.", lambda: story.do("ping -c 2 -I eth0 10.0.2.2"))
    story.say("and by legacy interrupts")
    for driver in ("nvme", "ahci"):
        without_messages(story, driver)
    story.do("until [ -b /dev/nvme0n1 -a -b /dev/sda ]; do sleep 0.2; done", 30)
    sums += [by(story, LEGACY, "nvme0q", lambda: read(story, "/dev/nvme0n1")),
             by(story, LEGACY, "ahci", lambda: read(story, "/dev/sda"))]
    story.do("udhcpc -q -n -i eth1 -s /etc/udhcpc.sh >/dev/null 2>&1; ip -4 -o addr show eth1")
    by(story, LEGACY, "eth1", lambda: story.do("ping -c 2 -I eth1 10.0.3.2"))
    if len(set(sums)) != 1:
        raise Failure(f"one image, read through several controllers, gave {' '.join(sums)}")
