"""Reading C sources for the checks of this folder: files, comments, includes, functions."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OURS = ("hv", "lib", "protocol", "dom0", "toolstack", "tests", "bench", "pvdrivers", "examples")
COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def files(folders=OURS, suffixes=(".c", ".h", ".S")):
    """Source files under @folders, as paths relative to the root, without anything git ignores."""
    tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *folders], cwd=ROOT,
                             check=True, capture_output=True, text=True).stdout.split()
    return [pathlib.Path(f) for f in sorted(tracked) if f.endswith(suffixes) and (ROOT / f).exists()]


def text(path):
    return (ROOT / path).read_text()


def code(path):
    """The text with comments blanked; line numbers stay."""
    def blank(match):
        s = match[0]
        return s if s[0] in "\"'" else re.sub(r"[^\n]", " ", s)
    return COMMENT.sub(blank, text(path))


def includes(path):
    """(line number, file) of every include written with quotes."""
    for n, line in enumerate(text(path).splitlines(), 1):
        found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if found:
            yield n, found[1]


def functions(path):
    """(line number, name, lines) of every function: kernel style puts its braces in column 0."""
    lines = code(path).splitlines()
    start = None
    for n, line in enumerate(lines, 1):
        if line.startswith("{") and n > 1 and re.search(r"\)\s*$|\w\s*$", lines[n - 2]):
            start = n
        elif line.startswith("}") and start:
            if not line.startswith("};"):
                head = " ".join(lines[max(0, start - 5):start - 1])
                names = re.findall(r"(\w+)\s*\(", head)
                yield start, names[-1] if names else "?", n - start + 1
            start = None


def finish(faults):
    """Print the faults; exit status 1 if there are any."""
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)
