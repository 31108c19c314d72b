#!/usr/bin/env python3
"""Lines and branches of the hypervisor that the hosted programs reach; called by `make coverage`.

Runs each program given (built by clang with counters), merges what they counted and prints a table of the folders
below, per file, then every uncovered line and branch that tests/coverage/exceptions does not list.

    coverage.py --build DIR [--json FILE] [--jobs N] PROGRAM[:ARGUMENTS]...

A line counts as covered when any part of it ran. A branch is one outcome of one condition: each operand of && and ||,
each if, loop, ?: and case has two. Conditions of assertions are not counted: their failure stops the machine, and no
test may reach it. A header's inline functions are counted once, whoever uses them.
Status 0: the aim holds for each folder; 1: it does not, or a program failed.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

FOLDERS = ("hv/mem", "hv/grant", "hv/event", "hv/pv", "hv/call")
AIM_LINES, AIM_BRANCHES = 100, 98	# percent, of each folder
EXCEPTIONS = pathlib.Path(__file__).with_name("exceptions")
CODE, EXPANSION = 0, 1


class Source:
    """A file's text, with the places of its assertions."""

    def __init__(self, path):
        self.text = pathlib.Path(path).read_text()
        self.lines = self.text.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.asserts = [(m.start(), self.close(m.end() - 1)) for m in re.finditer(r"\bASSERT\(", self.text)]

    def at(self, line, column):
        return self.starts[line - 1] + column - 1

    def close(self, opening):
        """The place behind the parenthesis that closes the one at `opening`."""
        depth = 0
        for i in range(opening, len(self.text)):
            depth += {"(": 1, ")": -1}.get(self.text[i], 0)
            if depth == 0:
                return i + 1
        return len(self.text)

    def is_assert(self, place):
        return any(start <= place < end for start, end in self.asserts)

    def expression(self, line, column, end_line, end_column, is_macro):
        start, end = self.at(line, column), self.at(end_line, end_column)
        if self.text[end:end + 1] == "(":
            end = self.close(end)
        return " ".join(self.text[start:end].split())


class File:
    def __init__(self, path):
        self.path = path
        self.source = Source(path)
        self.lines = {}		# number -> count
        self.branches = {}	# (line, column, end line, end column, macro) -> [true, false, function]
        self.functions = []	# (first line, last line, name)

    def function_at(self, line):
        inside = [f for f in self.functions if f[0] <= line <= f[1]]
        return max(inside)[2] if inside else "-"

    def uncovered(self):
        """(function, kind, text, line) of all that was not reached."""
        for line, count in sorted(self.lines.items()):
            if count == 0:
                yield self.function_at(line), "line", " ".join(self.source.lines[line - 1].split()), line
        for place, (true, false, function) in sorted(self.branches.items()):
            text = self.source.expression(*place)
            if true == 0:
                yield function, "true", text, place[0]
            if false == 0:
                yield function, "false", text, place[0]


def lines_counted(segments):
    """Line -> count, from the places where the count of a file changes (as llvm-cov itself does it)."""
    lines, active, i = {}, None, 0
    last = segments[-1][0] if segments else 0
    for line in range(segments[0][0] if segments else 1, last + 1):
        starting = []
        while i < len(segments) and segments[i][0] == line:
            starting.append(segments[i])
            i += 1
        entries = [s for s in starting if s[3] and s[4] and not s[5]]
        skipped = starting and not starting[0][3] and starting[0][4]
        if not skipped and (entries or (active and active[3])):
            lines[line] = max([s[2] for s in entries] + [active[2] if active and active[3] else 0])
        if starting:
            active = starting[-1]
    return lines


def origin(function, branch):
    """Where a branch stands in the function's own file: its place, or that of the macro it comes from."""
    place, file_id, is_macro = branch[:4], branch[6], False
    while file_id != 0:
        callers = [r for r in function["regions"] if r[7] == EXPANSION and r[6] == file_id]
        if not callers:
            return None
        place, file_id, is_macro = callers[0][:4], callers[0][5], True
    return (*place, is_macro)


def collect(data):
    files = {}
    for f in data["files"]:
        path = os.path.normpath(f["filename"])
        if os.path.dirname(path) in FOLDERS:
            files[path] = File(path)
            files[path].lines = lines_counted(f["segments"])
    for function in data["functions"]:
        f = files.get(os.path.normpath(function["filenames"][0]))
        if not f:
            continue
        name = function["name"].split(":")[-1]
        whole = [r for r in function["regions"] if r[5] == 0][0]
        f.functions.append((whole[0], whole[2], name))
        for branch in function["branches"]:
            place = origin(function, branch)
            if not place or f.source.is_assert(f.source.at(*place[:2])):
                continue
            counts = f.branches.setdefault(place, [0, 0, name])
            counts[0] += branch[4]
            counts[1] += branch[5]
    return files


def exceptions_read():
    """[file, function, kind, text, reason] of each line of the file; blank ones and comments aside."""
    found = []
    for line in EXCEPTIONS.read_text().split("\n"):
        if line and not line.startswith("#"):
            fields = [part.strip() for part in line.split(" | ")]
            if len(fields) != 5 or fields[2] not in ("line", "true", "false") or not all(fields):
                sys.exit(f"{EXCEPTIONS}: not FILE | FUNCTION | line, true or false | TEXT | REASON: {line}")
            found.append(fields)
    return found


def judge(files, exceptions):
    """Per file: totals, what is uncovered, how much of it is excepted. Exceptions that met nothing."""
    used, rows = set(), {}
    for path, f in sorted(files.items()):
        left, excepted = [], {"line": 0, "branch": 0}
        for function, kind, text, line in f.uncovered():
            met = [i for i, e in enumerate(exceptions) if e[:4] == [path, function, kind, text]]
            used.update(met)
            if met:
                excepted["line" if kind == "line" else "branch"] += 1
            else:
                left.append({"function": function, "kind": kind, "text": text, "line": line})
        missed_lines = sum(c == 0 for c in f.lines.values())
        missed = sum((b[0] == 0) + (b[1] == 0) for b in f.branches.values())
        rows[path] = {"lines": len(f.lines), "lines_covered": len(f.lines) - missed_lines,
                      "branches": 2 * len(f.branches), "branches_covered": 2 * len(f.branches) - missed,
                      "lines_excepted": excepted["line"], "branches_excepted": excepted["branch"], "left": left}
    return rows, [e for i, e in enumerate(exceptions) if i not in used]


def add_up(rows):
    keys = ["lines", "lines_covered", "branches", "branches_covered", "lines_excepted", "branches_excepted"]
    return {k: sum(r[k] for r in rows) for k in keys}


def percent(part, whole):
    return 100.0 if whole == 0 else 100.0 * part / whole


def row_print(name, r):
    print(f"{name:28} {r['lines']:6} {percent(r['lines_covered'], r['lines']):6.1f}%"
          f" {r['branches']:9} {percent(r['branches_covered'], r['branches']):6.1f}%"
          f" {r['lines_excepted']:9} {r['branches_excepted']:6}")


def aim_holds(total):
    """For what the exceptions do not list."""
    lines = percent(total["lines_covered"] + total["lines_excepted"], total["lines"])
    branches = percent(total["branches_covered"] + total["branches_excepted"], total["branches"])
    return lines >= AIM_LINES and branches >= AIM_BRANCHES


def report(rows, unused):
    folders, holds = {}, True
    print(f"{'':28} {'lines':>6} {'':>7} {'branches':>9} {'':>7} {'excepted:':>9} {'':>6}")
    print(f"{'':28} {'':>6} {'covered':>7} {'':>9} {'covered':>7} {'lines':>9} {'branch':>6}")
    for folder in FOLDERS:
        inside = {p: r for p, r in rows.items() if os.path.dirname(p) == folder}
        folders[folder] = add_up(inside.values())
        row_print(folder, folders[folder])
        for path, r in inside.items():
            row_print("    " + os.path.basename(path), r)
    print()
    for path, r in rows.items():
        for x in r["left"]:
            print(f"{path}:{x['line']}: {x['function']}: {x['kind']}: {x['text']}")
    for e in unused:
        print(f"exception that met nothing: {' | '.join(e[:4])}")
    for folder, total in folders.items():
        held = aim_holds(total)
        holds &= held
        print(f"{folder}: {AIM_LINES}% of lines and {AIM_BRANCHES}% of branches, exceptions aside: {'yes' if held else 'NO'}")
    return folders, holds


def run(programs, build, jobs):
    """Run all, a few at a time; the names of those that failed."""
    profiles = build / "profiles"
    profiles.mkdir(parents=True, exist_ok=True)
    for old in profiles.iterdir():
        old.unlink()
    env = dict(os.environ, LLVM_PROFILE_FILE=str(profiles.resolve() / "%4m.profraw"))

    def one(program):
        with open(profiles / "log", "ab") as log:
            path, _, arguments = program.partition(":")
            return subprocess.run([path, *arguments.split()], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log).returncode
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return [p for p, status in zip(programs, pool.map(one, programs)) if status]


def counted(build):
    merged = build / "profiles" / "all.profdata"
    raw = sorted(map(str, (build / "profiles").glob("*.profraw")))
    subprocess.run(["llvm-profdata-14", "merge", "-sparse", "-o", merged, *raw], check=True)
    # Objects, not programs: what no program was linked with is not covered, but it counts.
    objects = [word for o in sorted((build / "host" / "hv").rglob("*.c.o")) for word in ("-object", o)]
    out = subprocess.run(["llvm-cov-14", "export", "-instr-profile", merged, *objects], check=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return json.loads(out)["data"][0]


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--build", type=pathlib.Path, required=True)
    args.add_argument("--json", type=pathlib.Path)
    args.add_argument("--jobs", type=int, default=os.cpu_count())
    args.add_argument("programs", nargs="+")
    args = args.parse_args()
    failed = run(args.programs, args.build, args.jobs)
    rows, unused = judge(collect(counted(args.build)), exceptions_read())
    folders, holds = report(rows, unused)
    if args.json:
        args.json.write_text(json.dumps({"folders": folders, "files": rows, "failed": failed}, indent=1) + "\n")
    for program in failed:
        print(f"failed: {program}")
    sys.exit(0 if holds and not failed else 1)


if __name__ == "__main__":
    main()
