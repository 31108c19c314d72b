#!/usr/bin/env python3
"""Where instructions go: what each function of the hypervisor, of dom0's kernel and of the guests' takes of one operation.

    make profile JOB="disk RW SIZE DEPTH BACKEND"    RW as fio has it, such as randread; SIZE such as 4k
    make profile JOB="net WAY BACKEND"               WAY is g2d, g2g or d2g: guest to dom0, guest to guest, dom0 to guest

The machine, the guests and the jobs are those of devices.py, in deterministic mode, so a second is 10^9 instructions. Of
these a plugin of QEMU's counts all for a while, amid the job. An operation is one of fio's, or 64 KiB of iperf3's stream.

Guests have one kernel, and are told from dom0 by where its code lies. Modules of both may have the same address: then both
names are shown. Programs are one line.
"""
import base64
import bisect
import collections
import gzip
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/system"))

import devices                                      # noqa: E402
from machine import BUILD, Machine                  # noqa: E402

LEAD, WINDOW = 1_000_000_000, 300_000_000   # instructions from the job's start, and those that are counted
SECONDS = 3                                 # of the job, at least LEAD + WINDOW
SHOWN = 60
KERNEL, MODULES, END = 0xffffffff80000000, 0xffffffffc0000000, 1 << 64
HYPERVISOR = range(0xffff800000000000, 0xffff880000000000)
WAYS = "g2d", "g2g", "d2g"


class Counts:
    """How often each block of code ran so far."""

    def __init__(self, where):
        ask, counts = where / "ask", where / "counts"
        ask.touch()
        while ask.exists():
            time.sleep(0.02)
        self.times = {row[:3]: row[3] for row in struct.iter_unpack("<4Q", counts.read_bytes())}

    def total(self):
        return sum(key[2] * times for key, times in self.times.items())

    def since(self, before):
        """Instructions by (address, place of it)."""
        found = collections.Counter()
        for key, times in self.times.items():
            found[key[:2]] += (times - before.times.get(key, 0)) * key[2]
        return found


class Symbols:
    """Functions by address."""

    def __init__(self, text):
        rows = [line.split() for line in text.splitlines()]
        self.rows = sorted((int(row[0], 16), " ".join(row[2:])) for row in rows
                           if len(row) >= 3 and row[1] in "tTwW" and re.fullmatch("[0-9a-f]+", row[0]))

    def name(self, address):
        at = bisect.bisect_right(self.rows, (address, "\xff")) - 1
        return self.rows[at][1] if at >= 0 and address - self.rows[at][0] < 1 << 17 else None


def kernel_symbols(machine, prompt):
    """Of the kernel that runs there: some megabytes, so packed."""
    text = machine.check("gzip -c /proc/kallsyms | base64", 900, prompt)
    packed = "".join(line.strip() for line in text.splitlines() if re.fullmatch(r"[A-Za-z0-9+/=]+\s*", line))
    return Symbols(gzip.decompress(base64.b64decode(packed)).decode())


def owner(address, place, dom0_places, tables):
    """Who runs the code at @address, and its function."""
    if address in HYPERVISOR:
        return "hypervisor", tables["hypervisor"].name(address)
    if address < KERNEL:
        return "programs", ""
    if address < MODULES:
        who = "dom0" if (place - address) % END in dom0_places else "guest"
        return who, tables[who].name(address)
    names = {who: tables[who].name(address) for who in ("dom0", "guest")}
    found = [who for who, name in names.items() if name]
    return found[0] if len(found) == 1 else "module", " or ".join(names[who] for who in found)


def start_disk(machine, job, size, depth, backend):
    """Have the guest ready, and return its prompt, the line to run, and how to read operations a second from its output."""
    device = devices.device(machine, "scratch-" + backend)
    devices.create(machine, "one", "01", "user", f"\"disk=['phy:{devices.tools_device(machine)},xvdz,r', "
                   f"'vdev=xvdb,access=w,backend={backend},target={device}']\"")
    line = devices.fio_line("/dev/xvdb", job, size, depth, SECONDS)
    return devices.GUEST_PROMPT, line, lambda text: sum(float(re.search("3;fio.*", text)[0].split(";")[i]) for i in (7, 48))


def start_net(machine, way, backend):
    tools = devices.tools_device(machine)
    machine.check("mount --bind /tmp /tools/tmp; chroot /tools iperf3 -s -D")
    for number, name in enumerate(("one", "two")):
        devices.create(machine, name, f"1{number}", backend, f"\"disk=['phy:{tools},xvdz,r']\"")
    server = {"g2d": "192.168.77.1", "g2g": devices.address(machine, "two"), "d2g": devices.address(machine, "one")}[way]
    return ("bothy# " if way == "d2g" else devices.GUEST_PROMPT, f"chroot /tools iperf3 -c {server} -t {SECONDS} -f m",
            lambda text: float(re.search(r"([0-9.]+) Mbits/sec +receiver", text)[1]) * 1e6 / 8 / 65536)


def counted(machine, where, prompt, line, rate_of):
    """Run @line: instructions by place amid it, and its operations a second."""
    start, at_start = machine.at, Counts(where).total()
    machine.send(line + "; echo job''-done\n")
    before = Counts(where)
    while before.total() < at_start + LEAD:
        before = Counts(where)
    after = Counts(where)
    while after.total() < before.total() + WINDOW:
        after = Counts(where)
    machine.expect("job-done", 900, "the job's end")
    return after.since(before), rate_of(machine.text[start:machine.at])


def show(found, per_second, dom0_places, tables):
    by_owner, by_function = collections.Counter(), collections.Counter()
    for (address, place), instructions in found.items():
        who, name = owner(address, place, dom0_places, tables)
        by_owner[who] += instructions
        by_function[f"{who}: {name or '?'}" if who != "programs" else who] += instructions
    scale = 1e9 / per_second / sum(by_owner.values())
    print(f"{per_second:,.0f} operations a second; instructions of one:")
    for title, counts in ("", by_owner), ("  of these, by function:", by_function):
        print(title)
        for name, instructions in counts.most_common(SHOWN):
            print(f"{instructions * scale:>10,.0f}  {name}")


def main():
    job = os.environ.get("JOB", "").split()
    if (job[:1], len(job)) not in ((["disk"], 5), (["net"], 3)) or job[-1] not in devices.BACKENDS or \
            (job[0] == "net" and job[1] not in WAYS):
        sys.exit("profile: JOB must be \"disk RW SIZE DEPTH user|kernel\" or \"net g2d|g2g|d2g user|kernel\"")
    with tempfile.TemporaryDirectory() as name:
        where = pathlib.Path(name)
        extra = [arg for backend in devices.BACKENDS for arg in devices.scratch(f"scratch-{backend}")]
        extra += ["-plugin", f"{BUILD}/bench/profile.so,dir={where}"]
        with Machine("profile", smp=1, icount=True, memory=2048, hv_args="dom0_max_vcpus=1", extra=extra) as machine:
            machine.wait_prompt(1200)
            places = collections.Counter((place - address) % END for address, place, _ in Counts(where).times
                                         if KERNEL <= address < MODULES)
            # Each domain's kernel lies together but for a few holes.
            dom0_places = {place for place, blocks in places.items() if blocks > 100}
            prompt, line, rate_of = (start_disk if job[0] == "disk" else start_net)(machine, *job[1:])
            tables = {"dom0": kernel_symbols(machine, "bothy# "),
                      "hypervisor": Symbols(subprocess.run(["nm", BUILD / "hv.debug.elf"], capture_output=True, text=True,
                                                           check=True).stdout)}
            devices.enter(machine, "one")
            tables["guest"] = kernel_symbols(machine, devices.GUEST_PROMPT)
            if prompt != devices.GUEST_PROMPT:
                machine.console_leave()
            show(*counted(machine, where, prompt, line, rate_of), dom0_places, tables)


if __name__ == "__main__":
    main()
