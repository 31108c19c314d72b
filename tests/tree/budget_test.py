#!/usr/bin/env python3
"""Size budgets: files, functions, conditional compilation, headers reached.

The sizes of hv/ and of its image are figures: printed here and by `make bench`, asserted nowhere.
"""
import os
import re

from source import ROOT, code, files, finish, functions, includes, text

FILE_LINES = 600
FUNCTION_LINES = 60
# Aim at 30; hv/boot/init.c, which starts every layer, needs most.
HEADERS_REACHED = 40
IFS_PER_1000 = 0.5


def reached(path, seen):
    for _, target in includes(path):
        if target not in seen and (ROOT / target).is_file():
            seen.add(target)
            reached(target, seen)
    return seen


def hv_lines():
    """Lines of code, no blanks, no comments: (in hv/, of these in the hosted CPU, which is a test's)."""
    count = {f: sum(bool(line.strip()) for line in code(f).splitlines()) for f in files(("hv",))}
    return sum(count.values()), sum(n for f, n in count.items() if f.parts[:3] == ("hv", "cpu", "host"))


def main():
    faults = []
    conditionals = c_lines = 0
    for path in files():
        lines = len(text(path).splitlines())
        if lines > FILE_LINES:
            faults.append(f"{path}: {lines} lines, at most {FILE_LINES}")
        if path.suffix == ".c":
            for at, name, length in functions(path):
                if length > FUNCTION_LINES:
                    faults.append(f"{path}:{at}: {name}: {length} lines, at most {FUNCTION_LINES}")
            headers = len(reached(path, set()))
            if headers > HEADERS_REACHED and path.parts[0] != "tests":
                faults.append(f"{path}: reaches {headers} headers, at most {HEADERS_REACHED}")
        body = [line for line in code(path).splitlines() if line.strip()]
        if path.parts[0] == "hv" and path.suffix == ".c":
            c_lines += lines
            conditionals += sum(bool(re.match(r"\s*#\s*if", line)) for line in body)
    if c_lines and conditionals * 1000 / c_lines > IFS_PER_1000:
        faults.append(f"hv/: {conditionals} #if in {c_lines} lines of .c, at most {IFS_PER_1000} per 1000")
    total, host = hv_lines()
    print(f"hv/: {total} lines of code, {host} of them the hosted CPU; hv.elf: "
          f"{(ROOT / os.environ.get('O', 'build') / 'hv.elf').stat().st_size} bytes; {conditionals} #if")
    finish(faults)


if __name__ == "__main__":
    main()
