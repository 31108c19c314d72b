#!/usr/bin/env python3
"""The matrix of machines: one boot, guest and shutdown on each machine of a table (make check-all).

The table, matrix.txt, has every pair of values of two parameters in at least one row, in as few rows as
that takes. QEMU accepts every combination, so no pair is left out.

    tests/system/matrix.py --generate     print the table
    tests/system/matrix.py --run [--row N]... [--again]
                                          run what has not passed yet, or these rows, or all of it again
    tests/system/matrix.py --report       write what O/matrix.json holds to tests/README.md

Results are kept by commit and content of the hypervisor and images: change one, and all is to be run.
"""
import argparse
import contextlib
import datetime
import hashlib
import itertools
import json
import pathlib
import subprocess
import sys
import time

from machine import BUILD, Failure, Machine
from story import Story, create, serve, wait_gone, work

HERE = pathlib.Path(__file__).resolve().parent
TABLE = HERE / "matrix.txt"
README = HERE.parent / "README.md"
MARKS = ("<!-- matrix -->\n", "<!-- end of matrix -->\n")
RESULTS = BUILD / "matrix.json"

# The most unusual value first: the first row of the table has all of these. Memory in GiB.
PARAMETERS = {
    "smp": ("8", "1", "4", "2"),
    "memory": ("16", "1", "8", "4"),
    "cpu": ("qemu64", "Skylake-Server", "Haswell-noTSX", "max"),
    "guest": ("6.12-generic", "6.1-generic", "6.12-cloud", "6.1-cloud"),
    "disk": ("nvme", "ahci-intx", "ahci", "virtio"),
    "machine": ("q35", "pc"),
    "dom0": ("6.12", "6.1"),
    "net": ("e1000", "virtio-net-pci"),
}
GUESTS = {"6.1-cloud": "demo", "6.12-cloud": "new", "6.1-generic": "generic", "6.12-generic": "generic-6.12"}
DOM0S = {"6.1": "dom0", "6.12": "dom0-6.12"}
# NVMe and virtio interrupt by MSI-X, AHCI by MSI; without both, by its level-triggered line, as e1000 does.
DISKS = {"ahci-intx": ("ahci", "pci=nomsi")}
# What dom0's tables in the hypervisor may grow by with its first guest.
KEPT_PAGES = 256


def times(a, b):
    """The product in the field of four elements, whose sum is a ^ b."""
    return a if b == 1 else a * 2 ^ (a >> 1) * 7 if b == 2 else a * 2 ^ (a >> 1) * 7 ^ a


def columns():
    """Five columns of four values in which all pairs appear once: the lines of a plane over four elements;
    then the first columns of two values that pair with all."""
    plane = list(itertools.product(range(4), repeat=2))
    out = [[a for a, _ in plane], [b for _, b in plane]]
    out += [[a ^ times(b, k) for a, b in plane] for k in (1, 2, 3)]
    for bits in range(2, 1 << len(plane), 2):
        two = [bits >> i & 1 for i in range(len(plane))]
        if len(out) < len(PARAMETERS) and all(len(set(zip(c, two))) == 2 * len(set(c)) for c in out):
            out.append(two)
    return out


def generate():
    rows = sorted(zip(*columns()), key=lambda row: (sum(row), row))
    cells = [list(PARAMETERS)]
    cells += [[values[v] for values, v in zip(PARAMETERS.values(), row)] for row in rows]
    width = [max(map(len, column)) for column in zip(*cells)]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, width)).rstrip() for row in cells]
    return ("# The machines of matrix.py, which made this: every pair of values is in a row.\n"
            "# The line number below the heading is the row's.\n" + "\n".join(lines) + "\n")


def rows_read(text):
    """The rows of a table as {parameter: value}."""
    lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def info(machine):
    lines = machine.check("bothy info").splitlines()
    return {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in lines)}


def plausible(facts, row):
    """The hypervisor sees the machine's CPUs, and its memory less what firmware and frame table take."""
    mib = int(row["memory"]) * 1024
    if facts["nr_cpus"] != row["smp"]:
        raise Failure(f"bothy info: nr_cpus is {facts['nr_cpus']}")
    if not mib * 0.95 <= int(facts["total_memory"]) <= mib:
        raise Failure(f"bothy info: total_memory is {facts['total_memory']}")


def memory_back(machine, before, seconds=60):
    """Death is preemptible, so wait for it."""
    end = time.monotonic() + seconds
    while (missing := before - int(info(machine)["free_pages"])) > KEPT_PAGES:
        if time.monotonic() > end:
            raise Failure(f"{missing} pages are not back after the guest's end")
        time.sleep(0.5)


def row_tell(machine, row):
    story, guest = Story(machine), GUESTS[row["guest"]]
    machine.wait_prompt(400)
    story.do("bothy info")
    facts = info(machine)
    plausible(facts, row)
    checksum = serve(story)
    before = int(info(machine)["free_pages"])
    create(story, guest)
    work(story, guest, checksum)
    story.do(f"bothy shutdown {guest}")
    wait_gone(story, guest, 120)
    memory_back(machine, before)
    machine.send("poweroff\n")
    machine.wait_end(120)


def row_run(number, row):
    """Run a row, its story in test-logs/matrix-N.log; return why it failed, or None."""
    name = f"matrix-{number}"
    disk, dom0_args = DISKS.get(row["disk"], (row["disk"], ""))
    with Machine(name, cpu=row["cpu"], smp=int(row["smp"]), memory=int(row["memory"]) * 1024,
                 machine=row["machine"], disk=disk, net=row["net"],
                 dom0_kernel=DOM0S[row["dom0"]], dom0_args=dom0_args) as machine:
        with open(machine.log_path.with_suffix(".log"), "w") as log, contextlib.redirect_stdout(log):
            try:
                row_tell(machine, row)
            except Failure as failure:
                print(f"FAILED: {failure}")
                return f"{str(failure).splitlines()[0]}; see {log.name}"
    return None


def commit():
    """The last one that changed more than prose, which the report itself is."""
    def git(*words):
        return subprocess.run(["git", *words, "--", ":/", ":!/*.md"], cwd=HERE, check=True, capture_output=True,
                              text=True).stdout.strip()
    return git("log", "-1", "--format=%h") + ("-dirty" if git("status", "--porcelain", "-uno") else "")


def key():
    """What the results are of. hv.elf names its commit, hv.debug.elf is the same without."""
    digest = hashlib.sha256()
    names = ["hv.debug.elf", "dom0.img", "tools.img"] + [f"{d}{s}" for d in DOM0S.values() for s in (".kernel", ".cpio.gz")]
    for name in names:
        with open(BUILD / name, "rb") as file:
            while data := file.read(1 << 20):
                digest.update(data)
    return f"{commit()} {digest.hexdigest()[:16]}"


def results_load():
    """{row: {passed, seconds, why}} of this commit and content."""
    saved = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return saved.get("rows", {}) if saved.get("key") == key() else {}


def result_line(number, row, result):
    outcome = "-" if not result else "pass" if result["passed"] else "FAIL"
    seconds = f"{result['seconds']:6.1f} s" if result else 8 * " "
    return f"{outcome:4} {seconds}  row {number:2}: {' '.join(row.values())}"


def run(rows, wanted, again):
    """Run rows and keep the results; return whether all of those wanted have passed."""
    of, results = key(), {} if again and len(wanted) == len(rows) else results_load()
    for number in wanted:
        row = rows[number - 1]
        name = " ".join(row.values())
        if not again and results.get(name, {}).get("passed"):
            continue
        start = time.monotonic()
        why = row_run(number, row)
        results[name] = {"passed": not why, "seconds": time.monotonic() - start, "why": why}
        RESULTS.write_text(json.dumps({"key": of, "rows": results}, indent=1))
        print(result_line(number, row, results[name]) + (f"\n     | {why}" if why else ""), flush=True)
    print("\nall rows:")
    for number, row in enumerate(rows, 1):
        print(result_line(number, row, results.get(" ".join(row.values()))))
    return all(results[" ".join(rows[n - 1].values())]["passed"] for n in wanted)


def report(rows):
    """Put the results between the marks of tests/README.md."""
    results = results_load()
    failed = [n for n, row in enumerate(rows, 1) if not results.get(" ".join(row.values()), {"passed": 1})["passed"]]
    block = (f"Commit {commit()}, {datetime.date.today()}: {len(results) - len(failed)} of {len(rows)} rows passed, "
             f"{len(failed)} failed{' (' + ', '.join(map(str, failed)) + ')' if failed else ''}, "
             f"in {sum(r['seconds'] for r in results.values()):.0f} s.\n")
    before, rest = README.read_text().split(MARKS[0])
    README.write_text(before + MARKS[0] + block + MARKS[1] + rest.split(MARKS[1])[1])
    print(block, end="")


def main():
    args = argparse.ArgumentParser()
    act = args.add_mutually_exclusive_group(required=True)
    act.add_argument("--generate", action="store_true")
    act.add_argument("--run", action="store_true")
    act.add_argument("--report", action="store_true")
    args.add_argument("--row", type=int, action="append")
    args.add_argument("--again", action="store_true")
    args = args.parse_args()
    if args.generate:
        print(generate(), end="")
        return 0
    rows = rows_read(TABLE.read_text())
    if args.report:
        return report(rows)
    return 0 if run(rows, args.row or range(1, len(rows) + 1), args.again) else 1


if __name__ == "__main__":
    sys.exit(main())
