"""The part of `make bench` that measures disks and networks: fio and iperf3 in guests and in dom0.

One machine in deterministic mode, so a second is 10^9 instructions of everything there is: guest, hypervisor, dom0 and
its back ends on one CPU. A guest has two disks on two equal scratch devices of dom0, one served by our back end
(`user`), one by Linux's (`kernel`), and reads both in the same run; fio in dom0 reads the device itself. Then two
guests have their networks served in the one way, and in the other.

Xen's figures were recorded from Xen 4.17 with the same kernels and jobs, but another disk; they are no part of the run.
"""
import re

from machine import Failure, Machine

GUEST_PROMPT = "guest# "
SECONDS = 1
# name: fio's job, its depths, Xen's figure by depth
DISK = {
    "4 KiB random read, /s": ("randread", "4k", (1, 8, 32), {8: 10200}),
    "4 KiB random write, /s": ("randwrite", "4k", (1, 8, 32), {}),
    "128 KiB sequential read, MB/s": ("read", "128k", (1, 4, 8), {4: 347}),
    "128 KiB sequential write, MB/s": ("write", "128k", (1, 4, 8), {}),
}
XEN_TCP = {"guest to dom0": 1025, "dom0 to guest": 1524, "guest to guest": 1036}
NET_KINDS = {"TCP, Mbit/s": "", "datagrams of 64 bytes that arrive, 1,000/s": "-u -b 0 -l 64"}
BACKENDS = ("user", "kernel")


def scratch(name):
    """An empty disk of dom0, found by its serial number, that takes no time: QEMU does an operation at once, in the thread
    of the processor that asks, so that no figure depends on what the host's disk does meanwhile."""
    return ["-drive", f"driver=null-co,size={256 << 20},read-zeroes=on,if=none,id={name}",
            "-device", f"virtio-blk-pci,drive={name},serial={name},ioeventfd=off"]


def device(machine, serial):
    return "/dev/" + machine.check(f"grep -lx {serial} /sys/block/*/serial").strip().split("/")[3]


def tools_device(machine):
    return machine.check("grep ' /tools ' /proc/mounts").split()[0]


def fio_line(path, job, size, depth, seconds=SECONDS):
    return (f"chroot /tools fio --name=j --filename={path} --rw={job} --bs={size} --iodepth={depth} --ioengine=libaio "
            f"--direct=1 --runtime={seconds} --time_based --randrepeat=1 --output-format=terse --terse-version=3")


def fio(machine, prompt, path, job, size, depth):
    """Operations, or MB for large ones, of one second."""
    fields = machine.check(fio_line(path, job, size, depth), 900, prompt).strip().splitlines()[-1].split(";")
    kib, iops = (float(fields[i]) for i in ((6, 7) if "read" in job else (47, 48)))
    return iops if size == "4k" else kib * 1024 / 1e6


def enter(machine, name):
    machine.send(f"bothy console {name}\n\nstty cols 1000\n")
    machine.expect("stty cols 1000\n" + re.escape(GUEST_PROMPT), 300, f"shell of {name}")


def create(machine, name, mac, backend, settings):
    machine.check(f"bothy create -q /guests/bench.cfg name={name} memory=192 "
                  f"\"vif=['mac=00:16:3e:00:01:{mac},bridge=xenbr0,backend={backend}']\" {settings}", 600)
    machine.send(f"bothy console {name}\n")
    machine.expect("guest-ready", 900, f"{name} is up")
    machine.console_leave()
    enter(machine, name)
    machine.check("modprobe squashfs; mkdir -p /tools; mount -t squashfs -o ro /dev/xvdz /tools; "
                  "for d in proc sys dev tmp; do mount --bind /$d /tools/$d; done", 60, GUEST_PROMPT)
    machine.console_leave()


def disks(machine):
    """A guest with two disks, each job on both and on dom0's own."""
    print("Disks of a guest, one second of fio each (deterministic mode, no file system)")
    print(f"  {'':<36}{'depth':>6}{'dom0':>10}{'user':>10}{'kernel':>10}{'user/kernel':>13}{'Xen':>8}")
    devices = {backend: device(machine, f"scratch-{backend}") for backend in BACKENDS}
    machine.check("truncate -s 64M /tmp/file")
    create(machine, "disks", "01", "user", "\"disk=['phy:%s,xvdz,r', '/tmp/file,,xvdd,w', %s]\"" % (tools_device(machine), ", ".join(
        f"'vdev=xvd{letter},access=w,backend={backend},target={path}'" for letter, (backend, path) in zip("bc", devices.items()))))
    for name, (job, size, depths, xen) in DISK.items():
        for depth in depths:
            row = {"dom0": fio(machine, "bothy# ", devices["user"], job, size, depth)}
            enter(machine, "disks")
            for letter, backend in zip("bc", BACKENDS):
                row[backend] = fio(machine, GUEST_PROMPT, f"/dev/xvd{letter}", job, size, depth)
            machine.console_leave()
            print(f"  {name:<36}{depth:>6}" + "".join(f"{row[who]:>10,.0f}" for who in ("dom0", *BACKENDS))
                  + f"{row['user'] / row['kernel']:>13.2f}{xen.get(depth, '-'):>8}", flush=True)


def processes(machine):
    """What a process of a device costs when nothing happens: KiB of memory that is its share. Pages of the guest that it has
    mapped count as those of a file, which it has none of: the programs are in memory. Buffers are given back after a second or two."""
    machine.check("sleep 3")
    found = []
    for name in "blkback", "netback":
        rows = machine.check(f"for p in $(pidof {name}); do grep -E '^Pss_(Anon|Shmem)' /proc/$p/smaps_rollup | tr '\\n' ' '; echo; done")
        found.append(f"{name} {max(sum(int(kib) for kib in row.split()[1::3]) for row in rows.splitlines() if row.strip())}")
    print("Memory of an idle process that serves a device, its proportional share in KiB: " + ", ".join(found), flush=True)


def pauses(machine):
    """How long a load of eight is not served when its process is killed: the longest time in which no operation ended,
    without and with kills. On a file: what the scratch devices are given is gone."""
    found = []
    for kills in 0, 5:
        enter(machine, "disks")
        machine.check("verify /dev/xvdd 100 8 >/tmp/verify & sleep 1", 60, GUEST_PROMPT)
        machine.console_leave()
        for _ in range(kills):
            machine.check("kill -9 $(pidof blkback); sleep 1", 60)
        enter(machine, "disks")
        told = machine.check("killall -INT verify; while pidof verify; do usleep 10000; done; cat /tmp/verify", 120, GUEST_PROMPT)
        machine.console_leave()
        found.append(re.search(r"none ended for (\d+) ms", told)[1])
    print(f"Longest time without an operation, 8 at once, ms: {found[0]}; with its process killed, too: {found[1]}", flush=True)


def iperf(machine, prompt, server, options):
    """Mbit or, of datagrams, thousands a second that arrived."""
    text = machine.check(f"chroot /tools iperf3 -c {server} -t {SECONDS} -f m {options}", 900, prompt)
    line = [row for row in text.splitlines() if "receiver" in row][-1]
    if "-u" not in options:
        return float(re.search(r"([0-9.]+) Mbits/sec", line)[1])
    lost, sent = map(int, re.search(r"(\d+)/(\d+) \(", line).groups())
    return (sent - lost) / 1000 / SECONDS


def address(machine, name):
    enter(machine, name)
    found = re.search(r"inet ([0-9.]+)", machine.check("ip -4 addr show dev eth0", 60, GUEST_PROMPT))[1]
    machine.send("chroot /tools iperf3 -s -D >/dev/null 2>&1\n")
    machine.expect("^" + re.escape(GUEST_PROMPT), 60)
    machine.console_leave()
    return found


def nets(machine):
    """Guests on networks of each back end, one after the other."""
    tools = tools_device(machine)
    machine.check("mount --bind /tmp /tools/tmp; chroot /tools iperf3 -s -D")
    print("Network of a guest, one second of iperf3 each (deterministic mode)")
    print(f"  {'':<60}{'':>8}{'Xen':>8}")
    for backend in BACKENDS:
        for number, name in enumerate(("one", "two")):
            create(machine, name, f"1{number}", backend, f"\"disk=['phy:{tools},xvdz,r']\"")
        one, two = address(machine, "one"), address(machine, "two")
        for kind, options in NET_KINDS.items():
            enter(machine, "one")
            found = {"guest to dom0": iperf(machine, GUEST_PROMPT, "192.168.77.1", options),
                     "guest to guest": iperf(machine, GUEST_PROMPT, two, options)}
            machine.console_leave()
            found["dom0 to guest"] = iperf(machine, "bothy# ", one, options)
            for way, figure in found.items():
                xen = XEN_TCP[way] if not options else "-"
                print(f"  {f'{backend}: {way}: {kind}':<60}{figure:>8,.0f}{xen:>8}", flush=True)
        machine.check("bothy destroy one && bothy destroy two", 120)


def main():
    extra = [arg for backend in BACKENDS for arg in scratch(f"scratch-{backend}")]
    with Machine("bench-io", smp=1, icount=True, memory=2048, hv_args="dom0_max_vcpus=1", extra=extra) as machine:
        machine.wait_prompt(900)
        disks(machine)
        processes(machine)
        pauses(machine)
        machine.check("bothy destroy disks", 120)
        nets(machine)


if __name__ == "__main__":
    main()
