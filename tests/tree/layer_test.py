#!/usr/bin/env python3
"""The layer rule: a file in hv/X includes lower layers or its own folder, never its own rank.

Outside hv/ and tests/ nothing includes hv/. lib/ and protocol/ are includes of everybody and include
nobody but themselves (protocol/ nothing but protocol/). pvdrivers/ includes those two, and its cores no port
of an operating system. examples/ includes itself and those three; examples/pv, which test kernels use too, no
example. Includes are written from the root and name files that exist.
"""
from source import ROOT, files, finish, includes

RANK = {"base": 0, "cpu": 1, "core": 2, "mem": 3, "dom": 4, "event": 5, "grant": 5, "pv": 6,
        "irq": 6, "call": 7, "boot": 8}


def fault(path, target):
    """Why @path must not include @target, or None."""
    own, other = path.parts, target.split("/")
    if not (ROOT / target).is_file():
        return "is no file under the root"
    if own[0] == "protocol" and other[0] != "protocol":
        return "protocol/ includes only protocol/"
    if own[0] == "lib" and other[0] not in ("lib", "protocol"):
        return "lib/ includes only lib/ and protocol/"
    if own[0] == "pvdrivers" and other[0] not in ("pvdrivers", "lib", "protocol"):
        return "pvdrivers/ includes only pvdrivers/, lib/ and protocol/"
    if own[0] == "pvdrivers" and len(own) == 2 and other[0] == "pvdrivers" and len(other) > 2:
        return "a driver's core knows no operating system"
    if own[0] == "examples" and other[0] not in ("examples", "pvdrivers", "lib", "protocol"):
        return "examples/ includes only examples/, pvdrivers/, lib/ and protocol/"
    if other[0] == "examples" and own[0] not in ("examples", "tests"):
        return "only tests/ includes examples/"
    if own[:2] == ("examples", "pv") and other[:2] != ["examples", "pv"] and other[0] != "protocol":
        return "examples/pv includes only itself and protocol/"
    if other[0] != "hv" or own[0] == "tests":
        return None
    if own[0] != "hv":
        return "only hv/ and tests/ include hv/"
    for folder in (own[1], other[1]):
        if folder not in RANK:
            return f"hv/{folder} has no rank"
    if own[1] == other[1] or RANK[other[1]] < RANK[own[1]]:
        return None
    return f"hv/{own[1]} is rank {RANK[own[1]]}, hv/{other[1]} is rank {RANK[other[1]]}"


def main():
    faults = []
    for path in files():
        for line, target in includes(path):
            why = fault(path, target)
            if why:
                faults.append(f"{path}:{line}: includes {target}: {why}")
    finish(faults)


if __name__ == "__main__":
    main()
