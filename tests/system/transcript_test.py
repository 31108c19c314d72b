#!/usr/bin/env python3
"""docs/tour.md loses no step and no command, and every cut of it is marked."""
import sys

from transcript import END, WIDTH, fit, page, shorten, story

RECORD = f"""make: something before the first step
[   0.0 s] booting
           bothy# bothy dmesg
           (hv) [1] Bothy 0123456789ab on Xen's PV interface
{"".join(f"           line {i}{chr(10)}" for i in range(30))}           root@alpha:~# nproc
           2
[ 312.4 s] {END}
"""


def check(holds, what):
    if not holds:
        sys.exit(f"transcript: {what}")


def main():
    told = story(RECORD).splitlines()
    check(told[0] == "[   0.0 s] booting", "what precedes the first step is no part of the story")
    check({"    bothy# bothy dmesg", "    root@alpha:~# nproc"} <= set(told), "a command is missing")
    check("    [... 22 lines]" in told and "    line 29" in told, "31 lines are not cut to 9 and a mark")
    check("    2" in told and told[-2:] == ["", f"[ 312.4 s] {END}"], "the end is missing")
    check(shorten(["x"] * 11) == ["x"] * 11, "a cut must be worth its mark")
    check(fit("y" * 200).endswith(" [...]") and len(fit("y" * 200)) == WIDTH, "a long line is not cut at its end")
    whole = page(RECORD, "2026-01-02", "a test")
    check("2026-01-02: commit 0123456789ab, under a test, 5 minutes" in whole, "the head does not tell what was run")
    try:
        page(RECORD.replace(END, "FAILED"), "", "")
    except SystemExit:
        return
    check(False, "a tour that failed was recorded")


main()
