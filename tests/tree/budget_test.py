#!/usr/bin/env python3
"""Size budgets: files, functions, hv/ as a whole, conditional compilation, headers reached, the image."""
import os
import re
import subprocess

from source import ROOT, code, files, finish, functions, includes, text

FILE_LINES = 600
FUNCTION_LINES = 60
HV_LINES = 15000
HEADERS_REACHED = 30
IFS_PER_1000 = 0.5
IMAGE_BYTES = 512 * 1024


def reached(path, seen):
    for _, target in includes(path):
        if target not in seen and (ROOT / target).is_file():
            seen.add(target)
            reached(target, seen)
    return seen


def image_bytes(elf):
    """Bytes the image occupies in memory: the span of its segments, zeroed part included."""
    out = subprocess.run(["readelf", "-lW", elf], check=True, capture_output=True, text=True).stdout
    spans = [(int(m[1], 16), int(m[1], 16) + int(m[2], 16)) for m in
             re.finditer(r"^\s+LOAD\s+\S+\s+\S+\s+(0x\S+)\s+\S+\s+(0x\S+)", out, re.M)]
    return max(end for _, end in spans) - min(start for start, _ in spans)


def main():
    faults = []
    hv_lines = conditionals = c_lines = 0
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
        if path.parts[0] == "hv":
            hv_lines += len(body)
            if path.suffix == ".c":
                c_lines += lines
                conditionals += sum(bool(re.match(r"\s*#\s*if", line)) for line in body)
    if hv_lines > HV_LINES:
        faults.append(f"hv/: {hv_lines} lines of code, at most {HV_LINES}")
    if c_lines and conditionals * 1000 / c_lines > IFS_PER_1000:
        faults.append(f"hv/: {conditionals} #if in {c_lines} lines of .c, at most {IFS_PER_1000} per 1000")
    size = image_bytes(ROOT / os.environ.get("O", "build") / "hv.elf")
    print(f"hv/: {hv_lines} lines of code; image {size} bytes; {conditionals} #if")
    if size > IMAGE_BYTES:
        faults.append(f"hv.elf: {size} bytes in memory, at most {IMAGE_BYTES}")
    finish(faults)


if __name__ == "__main__":
    main()
