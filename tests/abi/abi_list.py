#!/usr/bin/env python3
"""Write a C program that prints every size, offset and constant that ROOT/protocol defines.

    abi_list.py ROOT HERE > list.c

Built with -DOURS it includes our headers, else the public ones. HERE holds ours_only.txt (names
the public headers lack, each with a reason) and expressions.txt (calls of function-like macros).
Fails if a macro with parameters is neither called nor excused, or an excuse is not needed.

The parser knows the C of our headers only: one declaration per line or per semicolon, comments,
nested structures and unions, arrays, no bit-fields, no function pointers.
"""
import pathlib
import re
import sys

THEIRS = """xen/xen.h xen/memory.h xen/event_channel.h xen/grant_table.h xen/sched.h xen/vcpu.h
xen/version.h xen/features.h xen/physdev.h xen/platform.h xen/callback.h xen/domctl.h xen/sysctl.h
xen/elfnote.h xen/errno.h xen/arch-x86/cpuid.h xen/arch-x86/xen-mca.h xen/io/ring.h xen/io/console.h
xen/io/blkif.h xen/io/netif.h xen/io/xenbus.h xen/io/xs_wire.h xen/io/protocols.h
xen/hvm/save.h sys/ioctl.h linux/types.h xen/sys/xenbus_dev.h xen/gntdev.h xen/evtchn.h xen/privcmd.h""".split()

PRELUDE = r"""
#include <stdio.h>
static void str(const char *n, const char *v) { printf("%s \"%s\"\n", n, v); }
static void s4(const char *n, int v) { printf("%s %d int\n", n, v); }
static void u4(const char *n, unsigned v) { printf("%s %#x unsigned\n", n, v); }
static void s8(const char *n, long v) { printf("%s %ld long\n", n, v); }
static void u8(const char *n, unsigned long v) { printf("%s %#lx unsigned long\n", n, v); }
#define CONST(x) _Generic((x), char *: str, int: s4, unsigned: u4, long: s8, long long: s8, \
	unsigned long: u8, unsigned long long: u8)(#x, (x))
"""


def strip(text):
    """Return text without comments, continued lines joined."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    return text.replace("\\\n", " ")


def macros(text):
    """Yield (name, has parameters) of each definition with a value."""
    for m in re.finditer(r"^#define (\w+)(\(?)(.*)$", text, flags=re.M):
        if m[2] or m[3].strip():
            yield m[1], bool(m[2])


def tokens(text):
    text = re.sub(r"^#.*$", "", text, flags=re.M)
    return re.findall(r"\w+|[{}\[\];,()=]|[-+*/<>&|~^?:.]", text)


class Parser:
    def __init__(self, text):
        self.t, self.p = tokens(text), 0
        self.types, self.structs, self.enums, self.rings = [], [], [], []

    def next(self):
        self.p += 1
        return self.t[self.p - 1]

    def skip(self, opening, closing):
        """Having read @opening, move behind its @closing."""
        depth = 1
        while depth:
            token = self.next()
            depth += (token == opening) - (token == closing)

    def members(self):
        """Having read '{', return [(path, is array)] up to '}'."""
        found = []
        while self.t[self.p] != "}":
            inner, named = None, []
            while (token := self.next()) != ";":
                if token == "{":
                    inner = self.members()
                    self.p += 1
                elif token == "[":
                    self.skip("[", "]")
                elif re.match(r"[a-z_]\w*", token, flags=re.I):
                    # A name that ends its declarator is the member's; the others are its type.
                    if self.t[self.p] in (";", ",", "["):
                        named.append(token)
            if inner is not None and not named:
                found += inner
            for name in named:
                found.append(name)
                found += [f"{name}.{path}" for path in inner or []]
        return found

    def parse(self):
        while self.p < len(self.t):
            token = self.next()
            if token in ("struct", "union") and self.t[self.p + 1] == "{":
                name = f"{token} {self.next()}"
                self.p += 1
                self.structs.append((name, self.members()))
                self.p += 1
            elif token == "enum":
                self.p += 2
                while (word := self.next()) != "}":
                    if word == "=" or word == ",":
                        continue
                    if not word.isdigit():
                        self.enums.append(word)
            elif token == "typedef":
                words = []
                while (word := self.next()) != ";":
                    if word == "[":
                        self.skip("[", "]")
                    else:
                        words.append(word)
                self.types.append(words[-1])
            elif token == "DEFINE_RING_TYPES":
                self.rings.append(self.t[self.p + 1])
                self.skip_call()
            elif token == "static":
                while self.next() != "{":
                    pass
                self.skip("{", "}")
        return self

    def skip_call(self):
        self.p += 1
        self.skip("(", ")")
def excuses(path):
    """Return the names in ours_only.txt; each line is NAME: reason."""
    names = set()
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            name, colon, reason = line.partition(": ")
            if not reason.strip():
                sys.exit(f"{path}: {name}: no reason given")
            names.add(name)
    return names


def main():
    root, here = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    headers = sorted((root / "protocol").rglob("*.h"))
    excused, used = excuses(here / "ours_only.txt"), set()
    calls = [c for c in (here / "expressions.txt").read_text().splitlines() if c and c[0] != "#"]

    def wanted(name):
        if name in excused:
            used.add(name)
        return name not in excused

    body, failed = [], False
    for header in headers:
        text = strip(header.read_text())
        for name, parameters in macros(text):
            if not wanted(name):
                continue
            if not parameters:
                body.append(f"CONST({name});")
            elif not any(re.search(rf"\b{name}\(", call) for call in calls):
                print(f"{header}: {name}(): no call in expressions.txt", file=sys.stderr)
                failed = True
        p = Parser(text).parse()
        body += [f"CONST({name});" for name in p.enums if wanted(name)]
        body += [f'printf("{t} %zu\\n", sizeof({t}));' for t in p.types if wanted(t)]
        for name, fields in p.structs:
            if not wanted(name):
                continue
            body.append(f'printf("{name} size %zu align %zu\\n", sizeof({name}), _Alignof({name}));')
            for field in fields:
                if wanted(f"{name}.{field}"):
                    flexible = "0" if re.search(rf"\b{field}\[\];", text) else \
                        f"sizeof((({name} *)0)->{field})"
                    body.append(f'printf("{name}.{field} %zu+%zu\\n", '
                                f'__builtin_offsetof({name}, {field}), (size_t){flexible});')
        for ring in p.rings:
            body.append(f'printf("union {ring}_sring_entry %zu\\n", '
                        f'sizeof(union {ring}_sring_entry));')
            for field in "req_prod", "req_event", "rsp_prod", "rsp_event", "ring":
                body.append(f'printf("{ring}_sring.{field} %zu\\n", '
                            f'__builtin_offsetof(struct {ring}_sring, {field}));')
    body += [f"CONST({call});" for call in calls]
    for name in sorted(excused - used):
        print(f"{here}/ours_only.txt: {name}: not in protocol/", file=sys.stderr)
        failed = True
    if failed:
        sys.exit(1)

    print("#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n#ifdef OURS")
    for header in headers:
        print(f'#include "{header.relative_to(root)}"')
    print("#else\n#include <errno.h>")
    for header in THEIRS:
        print(f"#include <{header}>")
    print("#endif", PRELUDE, "int main(void)\n{")
    print("\n".join("\t" + line for line in body))
    print("\treturn 0;\n}")


main()
