#!/usr/bin/env python3
"""The hosted build is the same hypervisor: outside hv/cpu every source is in both builds, no #if names
the host, and assembly stands only in hv/cpu, tests/guest and examples/pv."""
import re
import subprocess

from source import ROOT, code, files, finish

ASSEMBLY = re.compile(r"\b(?:__asm__|__asm|asm)\b\s*(?:volatile|__volatile__|goto|inline)?\s*\(")
HOST = re.compile(r"\bHOST|HOSTED|\bhosted|__SANITIZE|__has_feature|CONFIG_")
# A configuration picks one of these two; the hosted build always has the checking one.
LOCKS = {"hv/core/lock_debug.c", "hv/core/lock_release.c"}


def variable(name):
    out = subprocess.run(["make", "-s", f"print-{name}"], cwd=ROOT, check=True, capture_output=True,
                         text=True).stdout
    return set(out.split())


def main():
    faults = []
    for path in files():
        inside = path.parts[:2] in (("hv", "cpu"), ("tests", "guest"), ("examples", "pv"))
        body = code(path)
        if not inside and (path.suffix == ".S" or ASSEMBLY.search(body)):
            faults.append(f"{path}: assembly outside hv/cpu, tests/guest and examples/pv")
        if path.parts[0] in ("hv", "lib"):
            for n, line in enumerate(body.splitlines(), 1):
                if re.match(r"\s*#\s*(if|ifdef|ifndef|elif)\b", line) and HOST.search(line):
                    faults.append(f"{path}:{n}: a condition that names the build: {line.strip()}")
    shared = {str(p) for p in files(("hv", "lib"), (".c",)) if p.parts[:2] != ("hv", "cpu")} - LOCKS
    for name in ("hv-src", "host-src"):
        for missing in sorted(shared - variable(name) - variable("lib-src")):
            faults.append(f"{missing}: not in {name} of the Makefile")
    finish(faults)


if __name__ == "__main__":
    main()
