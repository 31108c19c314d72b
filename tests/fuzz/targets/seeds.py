#!/usr/bin/env python3
"""Write the seeds of the fuzz targets, made from real shapes: tests/fuzz/corpus/NAME/seed-*.

    tests/fuzz/targets/seeds.py [NAME...]

Beside them the corpus holds `found-*`, kept from long runs for the code they reach, and
`regress-*`, inputs that once broke a property. Needs zstd and lz4.
"""
import gzip
import lzma
import pathlib
import random
import re
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
CORPUS = ROOT / "tests/fuzz/corpus"
BASE = 0xffffffff80000000


def note(kind, desc):
    return struct.pack("<III", 4, len(desc), kind) + b"Xen\0" + desc + bytes(-len(desc) % 4)


def number(kind, value):
    return note(kind, struct.pack("<Q", value))


def elf_file(shape=0, initrd=0, rings=0, p2m=None, page=False, start=False, offset=0, entry=0x1010, more=(),
             base=BASE):
    """A PV kernel with two segments and @more; bytes 8 to 15 choose the domain (see elf.c)."""
    notes = note(6, b"linux\0") + number(3, base) + number(1, base + entry)
    notes += number(4, offset) + note(17, struct.pack("<I", 0x8801))
    notes += number(15, p2m) if p2m is not None else b""
    notes += number(2, base + 0x2000) if page else b""
    notes += number(16, 1) + note(14, struct.pack("<I", 1)) if start else b""
    at = 64 + (3 + len(more)) * 56
    text, data = at + len(notes), at + len(notes) + 96
    head = b"\x7fELF\2\1\1\0" + struct.pack("<I", shape) + struct.pack("<I", initrd)[:3] + bytes([rings])
    head += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, BASE + 0x1010, 64, 0, 0, 64, 56, 3 + len(more), 0, 0, 0)
    segments = [(1, text, 0x1000 + offset, 96, 0x2000), (1, data, 0x3000 + offset, 64, 0x1800),
                (4, at, 0, len(notes), len(notes)), *more]
    for kind, off, paddr, size, mem in segments:
        head += struct.pack("<IIQQQQQQ", kind, 5, off, 0, paddr, size, mem, 4096)
    return head + notes + bytes(range(96)) + b"data" * 16


def elf():
    yield "plain", elf_file(1, 0, 0)
    yield "initrd", elf_file(1 | 40 << 1, 70000, 1)
    yield "start-pfn", elf_file(1 | 300 << 1, 9000, 1, start=True)
    yield "p2m", elf_file(1 | 20 << 1, 4097, 1, p2m=0x8000000000, page=True, start=True)
    yield "offset", elf_file(2000 << 1, 0, 0, offset=0x100000, page=True)
    # At the bounds, one step inside or outside.
    small = [(1, 0, 0x5000 + i * 64, 16, 64) for i in range(15)]
    yield "segments", elf_file(1, more=small[:14])
    yield "one-too-many", elf_file(1, more=small)
    yield "top", elf_file(1, more=[(1, 0, (1 << 40) - 64, 16, 64)], base=1 << 44)
    yield "past-top", elf_file(1, more=[(1, 0, (1 << 40) - 64, 16, 65)], base=1 << 44)
    yield "touching", elf_file(1, more=[(1, 0, 0x4800, 16, 64)])
    yield "overlap", elf_file(1, more=[(1, 0, 0x47ff, 16, 64)])
    yield "last-byte", elf_file(1, entry=0x47ff)
    yield "past-end", elf_file(1, entry=0x4800)
    yield "large", elf_file(200000 << 1, 0xfffff, 1, p2m=0x8000000000, start=True)


def tool(command, data):
    return subprocess.run(command, input=data, check=True, capture_output=True).stdout


def bzimage(stream, size=None):
    """A boot sector and setup of one sector, then the payload with its size word."""
    payload = stream + (struct.pack("<I", size) if size is not None else b"")
    head = bytearray(1024)
    head[0x1f1] = 1
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x206, 0x20f)
    struct.pack_into("<II", head, 0x248, 0, len(payload))
    return bytes(head) + payload


def kernel():
    image = elf_file(1)
    xz = lzma.compress(image, check=lzma.CHECK_CRC32,
                       filters=[{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "dict_size": 65536}])
    streams = {"gzip": gzip.compress(image, mtime=0), "xz": xz, "zstd": tool(["zstd", "-q", "-c"], image),
               "lz4": tool(["lz4", "-q", "-l", "-c"], image)}
    yield "elf", image
    yield "bz-elf", bzimage(image)
    for name, stream in streams.items():
        yield name, stream
        yield "bz-" + name, bzimage(stream, len(image) if name != "gzip" else None)
    yield "zstd-long", tool(["zstd", "-q", "-c", "-19"], bytes(range(256)) * 40 + b"kernel" * 3000)
    for magic in (b"\x1f\x8b\x08", b"\x02\x21\x4c\x18", b"\x28\xb5\x2f\xfd", b"\x7fELF"):
        yield "only-" + magic.hex(), magic
        yield "bz-only-" + magic.hex(), bzimage(magic)
    yield "bz-cut", bzimage(streams["lz4"], len(image))[:-1]
    yield "lz4-cut", streams["lz4"][:-1]
    yield "bz-unknown", bzimage(b"BZh91AY&SY", 100)


def decode():
    operands = struct.pack("<QH16Q", 0x8000000000000067, 0x8d5, 0x8000000000000067,
                           *(0x1122334455667788 + i for i in range(15)))
    table = ["488907", "4c89442408", "48c70700000000", "49c74510ffffffff", "48890578563412", "8917", "668917",
             "66c7073412", "8827", "408827", "c60781", "488703", "f08027fd", "f0480fb117", "f0480fba3705", "f0480fb307",
             "480fab0f", "0fba3f01", "f048830f40", "f0488127ffffff7f", "483107", "0fb007", "48890 4cd00000080",
             "0f01d1", "0f06", "0f09", "0f20c0", "440f22c0", "0f21f8", "0f23f8", "0f30", "0f32", "0fa2", "f4", "fa", "fb",
             "6664ec", "e4 80", "f36c", "67f36f", "66ef", "0f33", "88 3f", "86 6f 01",
             "44 88 3f", "41 87 3c 24", "66 81 27 00 80", "0f b1 87 00 00 00 80", "2e 0f bb 1d 00 00 00 00"]
    for i, code in enumerate(table):
        code = bytes.fromhex(code.replace(" ", ""))
        yield f"{i:02}", code.ljust(16, b"\x90") + operands


def ranges():
    return [(0, 0x9fc00, 1), (0xf0000, 0x10000, 2), (0x100000, 0x7ee0000, 1), (0x7fe0000, 0x20000, 3)]


def boot_info():
    text, at = b"/boot/bothy console=com1 dom0_mem=512M\0", 0x200
    spec = b"guest domain name=a memory=16 vcpus=2 connect=b -- quiet\0"
    memory = bytearray(0x400)
    memory[at:at + len(text)] = text
    memory[0x280:0x280 + len(spec)] = spec

    def image(which, info):
        return bytes([which]) + struct.pack("<I", info)[:3] + bytes(memory)
    entries = b"".join(struct.pack("<IQQI", 20, *r) for r in ranges())
    head = struct.pack("<12I", 0x104c, 640, 130000, 0, at, 2, 0x180, 0, 0, 0, 0, len(entries))
    memory[0x10:0x40] = head
    struct.pack_into("<I", memory, 0x40, 0x100)
    struct.pack_into("<QIIIBB", memory, 0x10 + 88, 0xfd000000, 4096, 1024, 768, 32, 1)
    memory[0x100:0x100 + len(entries)] = entries
    memory[0x180:0x1a0] = struct.pack("<8I", 0x300, 0x380, at, 0, 0x380, 0x3ff, 0x280, 0)
    yield "multiboot1", image(0, 0x10)
    tags = [(1, text), (3, struct.pack("<II", 0x300, 0x380) + spec),
            (6, struct.pack("<II", 24, 0) + b"".join(struct.pack("<QQII", *r, 0) for r in ranges())),
            (8, struct.pack("<QIIIBBH6B", 0xfd000000, 4096, 1024, 768, 32, 1, 0, 16, 8, 8, 8, 0, 8)),
            (14, b"RSD PTR " + bytes(12)), (15, b"RSD PTR " + bytes(28)), (0, b"")]
    body = b""
    for kind, data in tags:
        body += struct.pack("<II", kind, 8 + len(data)) + data + bytes(-len(data) % 8)
    memory[0x10:0x18 + len(body)] = struct.pack("<II", 8 + len(body), 0) + body
    memory.extend(bytes(0x400))
    yield "multiboot2", image(1, 0x10)

    def ends_with(tag):
        return b"\1\x10\0\0" + bytes(16) + struct.pack("<II", 8 + len(tag), 0) + tag
    yield "multiboot2-text-to-end", ends_with(struct.pack("<II", 1, 16) + b"no end.." )
    yield "multiboot2-module-to-end", ends_with(struct.pack("<IIII", 3, 20, 16, 20) + b"text")
    yield "multiboot2-short-module", ends_with(struct.pack("<III", 3, 12, 16))
    yield "multiboot2-modules", ends_with(struct.pack("<IIII", 3, 16, 16, 20) * 33 + struct.pack("<II", 0, 8))
    memory = bytearray(0x400)
    memory[at:at + len(text)] = text
    memory[0x280:0x280 + len(spec)] = spec
    memory[0x10:0x48] = struct.pack("<4I4QII", 0x336ec578, 1, 0, 1, 0x80, at, 0xe0000, 0xc0, 4, 0)
    memory[0x80:0xa0] = struct.pack("<4Q", 0x300, 0x80, 0x280, 0)
    memory[0xc0:0xc0 + 96] = b"".join(struct.pack("<QQII", *r, 0) for r in ranges())
    yield "pvh", image(2, 0x10)


def memory_map():
    some = b"".join(struct.pack("<HBBB", *r) for r in [(0, 159, 0, 1), (240, 16, 0, 2), (256, 200, 0, 1),
                                                       (400, 9, 0, 3), (405, 100, 0, 1), (300, 1, 0, 0)])
    holds = b"\1" + b"\0\0\x11" + b"\0\x20\0" + b"\1" + b"\1" + b"\x34\x12\x12" + b"\0\x60\0" + b"\2"
    takes = b"\0" + b"\0\x30\0" + b"\2" + b"\xff\xff\xff" + b"\0" + b"\0\x10\0" + b"\0" + b"\0\0\x15"
    yield "pc", bytes([6]) + some + holds + takes
    yield "edges", bytes([2]) + b"\0\0\0\xff\1" + struct.pack("<QQ", 2**64 - 4096, 8192) + some[:5]


def options():
    lines = ["console=com1,vga com1=115200,8n1,0x3f8,4 loglvl=all guest_loglvl=none/warning",
             "dom0_mem=512M,max:1G,min:-64M dom0_max_vcpus=1-4 dom0_vcpus_pin maxcpus=2 tsc=stable:socket",
             "no-smp smp=off noreboot nosmp=1 com2=auto,,0x2f8 unknown=\"a b\" com1=9600/1843200",
             "18446744073709551615", "0xffffffffffffffff", "4096", "0", "0x0",
             "/boot/guest domain name=pair-a memory=16 vcpus=1 connect=pair-b -- console=hvc0 quiet",
             "domain name=b memory=0x20 vcpus=32", "domain name=" + "n" * 31 + " connect=" + "c" * 31,
             "domain name=" + "n" * 32, "domain name=a connect=" + "c" * 32, "dom0_mem=" + "9" * 140]
    for i, line in enumerate(lines):
        yield f"{i}", line.encode()


def table(kind, body):
    return bytes([kind]) + struct.pack("<H", len(body)) + body


def acpi():
    madt = struct.pack("<II", 0xfee00000, 1)
    madt += b"".join(struct.pack("<BBBBI", 0, 8, i, i, 1) for i in range(3))
    madt += struct.pack("<BBBBII", 1, 12, 0, 0, 0xfec00000, 0) + struct.pack("<BBBBIH", 2, 10, 0, 0, 2, 0)
    madt += struct.pack("<BBBBIH", 2, 10, 0, 9, 9, 13) + struct.pack("<BBHIII", 9, 16, 0, 300, 1, 3)
    dsdt = b"\x10\x20\\_SB_" + b"\x08_S5_\x12\x06\x04\x0a\x05\x01\x00\x00" + b"\x08_S5_\x12\x06\x04\x00\x00\x00\x00"
    wide = b"_S5_\x12\x08\x04\x0a\xff\x0a\xff"
    fadt = bytearray(208)
    struct.pack_into("<I", fadt, 64 - 36, 0x604)
    struct.pack_into("<I", fadt, 112 - 36, 1 << 10)
    struct.pack_into("<BBBBQB", fadt, 116 - 36, 1, 8, 0, 1, 0xcf9, 6)
    struct.pack_into("<BBBBQ", fadt, 172 - 36, 1, 16, 0, 2, 0xb004)
    mcfg = bytes(8) + struct.pack("<QHBBI", 0xb0000000, 0, 0, 255, 0)
    every = table(3, dsdt) + table(0x11, bytes(fadt)) + table(0, madt) + table(2, mcfg)
    yield "wide-s5", b"\1" + table(3, wide) + table(0x11, bytes(fadt))
    yield "s5-cut", b"\1" + table(3, wide[:-1]) + table(0x11, bytes(fadt))
    yield "xsdt", b"\1" + every
    yield "rsdt", b"\0" + every
    yield "old-fadt", b"\0" + table(3, dsdt) + table(1, bytes(fadt[:112])) + table(0, madt[:30])
    yield "bad-sum", b"\1" + table(0x83, dsdt) + table(0x41, bytes(fadt))
    yield "scan", b"\x81" + every
    # One more of everything than there is room for.
    many = bytes(8) + b"".join(struct.pack("<BBBBI", 0, 8, i, i, 1) for i in range(70))
    many += b"".join(struct.pack("<BBBBII", 1, 12, i, 0, 0xfec00000 + i * 4096, i * 24) for i in range(9))
    many += b"".join(struct.pack("<BBBBIH", 2, 10, 0, i, i, 0) for i in range(25))
    yield "many", b"\1" + table(0, many[:1023])
    yield "many-overrides", b"\1" + table(0, bytes(8) + many[-250:])


def config():
    for path in sorted((ROOT / "tests/system/configs").glob("*.cfg")):
        yield path.stem, path.read_bytes()
    yield "all", b"""name = 'all' ; uuid = "11111111-2222-3333-4444-555566667777"
kernel = "/boot/vmlinuz" # comment
ramdisk = "/boot/initrd\\x2egz"
root = "/dev/xvda1" ; extra = "console=hvc0 \\"quiet\\" \\t\\101"
memory = 0x100
maxmem = 512
vcpus = 2
maxvcpus = 4
cpus = ["0-3,^1", "2", "all"]
cpu_weight = 512
cap = 150
on_poweroff = "destroy"
on_reboot = "rename-restart"
on_crash = "coredump-destroy"
disk = [ "phy:/dev/vg/a,xvda,w", "file:/a.iso,hdc:cdrom,r", "format=raw,vdev=xvdaa1,access=ro,target=/a b,c",
  "/img,raw,sdb,rw", ]
vif = [ 'mac=00:16:3e:00:00:01,bridge=br0,ip=10.0.0.2 10.0.0.3,vifname=v1', "", "backend=user,mode=nat,ip=10.0.0.4,rate=1MB/s@20ms" ]
channel = [ "connection=pty,name=org.x", " name = y , backend = 0, connection = pty " ]
type = "pv"
localtime = 1
unknown = [ [ [ 1, "2" ] ] ]
disk += [ "vdev=xvdz,target=/z" ]
"""
    base = b"name = 'a'\nkernel = '/k'\n"
    disks = ", ".join(f"'vdev=xvd{chr(97 + i)},target=/{i}'" for i in range(17)).encode()
    yield "disks", base + b"disk = [" + disks.rsplit(b",", 3)[0] + b"]"
    yield "too-many-disks", base + b"disk = [" + disks + b"]"
    yield "too-many-vifs", base + b"vif = [" + b"''," * 9 + b"]"
    yield "deep", base + b"x = [[[[1]]]]"
    yield "too-deep", base + b"x = [[[[[1]]]]]"
    yield "vcpus", base + b"vcpus = 4\nmaxvcpus = 3"
    yield "override", b"name = \"a\"\nkernel = \"/k\"\n!extra=quiet ro"
    yield "append", b"name = \"a\"\nname += 'b'\nkernel = \"/k\"\nvif += [ ]\n!cpus='^0,all'"


def device_spec():
    lists = [["phy:/dev/vg/a,xvda,w", "file:/a.iso,hdc:cdrom,r", "format=raw,vdev=xvdaa1,access=ro,target=/a b,c",
              "/img,raw,sdb,rw", "tap:aio:/x,sda1,w!", "/i,,xvdb,discard,cdrom,backendtype=phy",
              "backend=user,vdev=xvdc,target=/u"],
             ["mac=00:16:3e:00:00:01,bridge=br0,script=x,ip=10.0.0.2,vifname=v1", "", "model=e1000,type=ioemu,backend=0",
              "backend=user,mode=routed,ip=2001:db8::/64 10.1.0.0/16,rate=8Gb/s"],
             ["0-3,^1", "all,^0-7", "255", "1,3,5,7-9"],
             ["11111111-2222-3333-4444-555566667777", "00:16:3e:12:34:56", "00-16-3E-12-34-56"]]
    for kind, texts in enumerate(lists):
        for i, text in enumerate(texts):
            yield f"{kind}-{i}", bytes([kind]) + text.encode()


def text(s):
    return struct.pack("<I", len(s)) + s


def record(tag, body):
    return struct.pack("<II", tag, len(body)) + body


def node(path, value=b"", gen=5, owner=0, extra=()):
    perms = b"".join(struct.pack("<III", *p) for p in [(owner, 0, 0), *extra])
    return record(4, text(path) + struct.pack("<QQI", gen, gen, 1 + len(extra)) + perms + text(value))


# Types of requests and other acts of store.c.
(DIRECTORY, READ, GET_PERMS, WATCH, UNWATCH, START, END, INTRODUCE, RELEASE, DOMAIN_PATH, WRITE, MKDIR, RM, SET_PERMS,
 _, _, IS_INTRODUCED, RESUME, SET_TARGET, _, RESET_WATCHES, PART) = range(1, 23)
CONTROL = 0
BURST, RAW, INDEX, DEAF, LIFE, TIME, CLOSE, OVERSIZE = range(8, 16)


def store_word(words, word):
    """From the dictionary, else as bytes with a NUL; a number is a run of that many letters."""
    if isinstance(word, int):
        return b"\xf2" + struct.pack("<H", word)
    if isinstance(word, bytes):
        return b"\xf1" + bytes([len(word)]) + word
    if word in words:
        return bytes([words.index(word)])
    return b"\xf1" + bytes([len(word) + 1]) + word.encode() + b"\0"


def store_session(*acts, journal=1):
    """An act: actor (0, 1: domain 0; 2 to 4: guests 1 to 3), type, transaction, words; or actor, other act, bytes."""
    source = (ROOT / "tests/fuzz/targets/store.c").read_text()
    words = re.findall(r'"([^"]*)"', re.search(r"words\[\] = {(.*?)}", source, re.S)[1])
    out = bytes([journal])
    for actor, kind, *rest in acts:
        if rest and isinstance(rest[0], bytes):
            out += bytes([kind * 5 + actor]) + rest[0]
            continue
        tx, *texts = rest
        shape = 0x10 | (8 if tx else 0) | (len(texts) - 1) << 5 | (0x80 if kind == WRITE else 0)
        out += bytes([actor, shape, kind] + ([tx] if tx else [])) + b"".join(store_word(words, t) for t in texts)
    return out


def store():
    """Acts are short and most bytes mean something: drawn ones are whole sessions (see store.c)."""
    for i in range(4):
        draw = random.Random(i)
        acts = bytes(draw.randrange(0xf0) if draw.randrange(8) else draw.randrange(256) for _ in range(60 * (i + 1)))
        yield f"{i}", bytes([i & 1]) + acts
    one, two, three = 2, 3, 4
    yield "deep-write", store_session((one, START, 0, ""), (one, WRITE, 1, "/shared/x/y", "t"), (one, END, 1, "T"))
    # A transaction of one guest's, and a node of another's on its way.
    yield "write-below", store_session(
        (one, START, 0, ""), (one, WRITE, 1, "/shared/x/y", "t"), (two, WRITE, 0, "/shared/x", "t"),
        (two, SET_PERMS, 0, "/shared/x", "n2"), (one, END, 1, "T"))
    yield "reads", store_session(
        (one, WRITE, 0, "data", "t"), (two, READ, 0, "/local/domain/1/data"), (three, READ, 0, "/local/domain/1/data"),
        (two, DIRECTORY, 0, "/local/domain/1"), (two, GET_PERMS, 0, "/local/domain/1"), (0, GET_PERMS, 0, "@releaseDomain"),
        (one, GET_PERMS, 0, "@releaseDomain"), (two, PART, 0, "/local/domain/1", "0"), (two, PART, 0, "/local/domain/1", "9"),
        (one, DOMAIN_PATH, 0, "2"), (one, IS_INTRODUCED, 0, "2"), (one, IS_INTRODUCED, 0, "9"), (one, READ, 0, "//"))
    yield "watches", store_session(
        (one, WATCH, 0, "data", "token"), (one, WATCH, 0, "data", "token"), (two, WATCH, 0, "/local/domain/1", "t"),
        (one, WRITE, 0, "data/y", "t"), (0, WATCH, 0, "@releaseDomain", "t"), (one, WATCH, 0, "@introduceDomain", "t"),
        (0, SET_PERMS, 0, "@introduceDomain", "n0", "r1"), (one, UNWATCH, 0, "data", "token"), (one, UNWATCH, 0, "x", "t"),
        (one, RM, 0, "data"), (two, RESET_WATCHES, 0, ""), (one, LIFE, b"\1\3"), (0, RELEASE, 0, "1"))
    yield "transactions", store_session(
        (one, START, 0, ""), (one, READ, 1, "data"), (one, WRITE, 1, "data", "t"), (one, READ, 1, "data"),
        (one, START, 0, ""), (one, WRITE, 0, "data", "x"), (one, END, 1, "T"), (one, READ, 2, "data"),
        (one, DIRECTORY, 2, "/local/domain/1"), (one, WRITE, 0, "x", "t"), (one, END, 2, "T"), (one, START, 0, ""),
        (one, MKDIR, 3, "device/vif/0"), (one, SET_PERMS, 3, "device/vif/0", "n1", "r2"), (one, RM, 3, "data"),
        (one, TIME, b"\xff"), (one, END, 3, "T"), (one, END, 3, "F"), (one, START, 0, ""), (one, END, 4, "F"),
        (one, WRITE, 9, "data", "x"), (one, END, 0, "x"))
    yield "conflict", store_session(
        (one, WRITE, 0, "data", "t"), (one, START, 0, ""), (one, READ, 1, "data"), (one, WRITE, 0, "data", "x"),
        (one, WRITE, 1, "x", "t"), (one, END, 1, "T"))
    yield "aged", store_session(
        (one, WRITE, 0, "data", "t"), (one, START, 0, ""), (one, READ, 1, "data"), (one, WRITE, 1, "x", "t"),
        (one, WRITE, 0, "data", "x"), (0, TIME, b"\xff"), (one, READ, 1, "data"), (one, WRITE, 1, "x", "x"),
        (one, RM, 1, "x"), (one, END, 1, "T"))
    yield "commit-all", store_session(
        (one, WRITE, 0, "data/y", "t"), (one, START, 0, ""), (one, RM, 1, "data"), (one, WRITE, 1, "x", "t"),
        (one, SET_PERMS, 1, "x", "n1", "r2"), (one, MKDIR, 1, "device/vif/0"), (one, END, 1, "T"), (two, READ, 0, "/local/domain/1"))
    yield "bursts", store_session((one, BURST, b"\x2d"), (0, BURST, b"\x31"), (1, DEAF, b""), (1, BURST, b"\x31"), (1, DEAF, b""),
                                  (two, DEAF, b""), (two, BURST, b"\x20"), (two, BURST, b"\x20"), (two, DEAF, b""))
    yield "too-many-transactions", store_session(*[(one, START, 0, "")] * 11, (one, TIME, b"\x30"), (one, INDEX, b"\7"))
    yield "too-many-watches", store_session(*[(one, WATCH, 0, "x", f"{i}") for i in range(129)], (one, RESET_WATCHES, 0, ""))
    yield "large", store_session(
        (0, WRITE, 0, "/a/b/c", 3000), (one, WRITE, 0, "data", 1900), (one, WRITE, 0, "data", 2047), (one, MKDIR, 0, b"/shared/", 2900),
        (one, MKDIR, 0, b"/shared/", 3000), (0, WATCH, 0, "/shared", 900), (one, SET_PERMS, 0, "data", "n1", "r2", "w3"),
        (one, SET_PERMS, 0, "data", b"n1\0r2\0w3\0b0\0r4\0r5\0"), (one, SET_PERMS, 0, "data", "n2"), (one, SET_PERMS, 0, "data", "x"))
    yield "lists", store_session(*[(0, MKDIR, 0, b"/a/%02d" % i, 250, "") for i in range(20)], (0, DIRECTORY, 0, "/a"),
                                 (0, PART, 0, "/a", "0"), (0, PART, 0, "/a", "4000"), (0, PART, 0, "/a", "5060"),
                                 (0, PART, 0, "/a", "9"), (0, PART, 0, "/a", "x"))
    def deep(first, tx):
        return [(one, MKDIR, tx, b"/shared/" + b"/".join(b"%d" % (first + i * 40 + k) for k in range(40)), "")
                for i in range(13)]
    yield "quota-at-commit", store_session((one, START, 0, ""), *deep(0, 1), *deep(2000, 0), (one, END, 1, "T"))
    yield "reserved", store_session(*[(one, kind, 0, "2", "0", "9") for kind in (INTRODUCE, RELEASE, SET_TARGET, RESUME)],
                                    (one, RESUME, 0, "2"), (one, RELEASE, 0, "2"), (one, SET_TARGET, 0, "1", "2"))
    yield "not-the-owner", store_session((one, WRITE, 0, "/shared/x", "t"), (two, SET_PERMS, 0, "/shared/x", "n2"),
                                         (two, SET_PERMS, 0, "/shared/x", "n1", "b2"), (two, WRITE, 0, "/shared/x", "x"))
    yield "control", store_session(*[(0, CONTROL, 0, word, "t") for word in (
        "check", "memreport", "quota", "help", "dump", "log", "print", "x", "")], (one, CONTROL, 0, "check"))
    yield "domains", store_session(
        (0, SET_TARGET, 0, "1", "2"), (one, READ, 0, "/local/domain/2/x/y"), (0, SET_TARGET, 0, "1", "0"), (0, RESUME, 0, "1"),
        (0, RESUME, 0, "9"), (0, INTRODUCE, 0, "1", "0", "9"), (0, INTRODUCE, 0, "9", "0", "1"), (0, INTRODUCE, 0, "0", "0", "1"),
        (0, LIFE, b"\0\2"), (0, LIFE, b"\1\0"), (0, INTRODUCE, 0, "2", "0", "9"), (0, RELEASE, 0, "3"), (0, RELEASE, 0, "0"))
    yield "streams", store_session(
        (0, RAW, b"\5hello"), (one, RAW, b"\0"), (two, OVERSIZE, b"\0\0"), (0, OVERSIZE, b"\xff\xff"), (0, CLOSE, b""),
        (one, INDEX, b"\1\0\0\0\x80"), (one, INDEX, b"\7"), (one, INDEX, b"\2\0\0\0\x80"), (three, INDEX, b"\7"), (three, RAW, b"\0"))
    unread = [(0, WRITE, 0, b"/local/domain/3/", 2500, b"\0", "t")] * 30
    yield "deaf", store_session((three, WATCH, 0, "/local/domain/3", "t"), (three, DEAF, b""), *unread,
                                *[(three, READ, 0, "x")] * 25, (three, DEAF, b""), (three, DEAF, b""), (three, DEAF, b""))
    yield "deaf-client", store_session((1, WATCH, 0, "/", "t"), (1, DEAF, b""), *[(1, READ, 0, "/")] * 25, *unread, (1, DEAF, b""))
    yield "quota", store_session(*[(one, MKDIR, 0, b"/shared/" + b"/".join(b"%d" % (i * 40 + k) for k in range(40)), "")
                                   for i in range(27)], (one, WRITE, 0, "x", "t"), (one, RM, 0, "/shared/x"))


def store_state():
    tree = node(b"/") + node(b"/local") + node(b"/local/domain") + node(b"/local/domain/1", b"", 7, 1, [(2, 1, 0)])
    tree += node(b"/local/domain/1/x", b"value", 8, 1)
    guest = record(6, struct.pack("<IIII", 1, 7, 1, 0)) + record(8, struct.pack("<I", 1) + text(b"/local/domain/1/x") +
                                                                struct.pack("<I", 16) + text(b"tok"))
    guest += record(10, struct.pack("<III", 1, 3, 1)) + record(11, struct.pack("<II", 1, 18) + struct.pack(
        "<4I", 1, 1, 0, 2) + b"x\0" + b"out")
    first = record(2, struct.pack("<II", 1, 0)) + record(3, text(b"@releaseDomain") + struct.pack(
        "<IIIIIII", 2, 0, 0, 0, 1, 1, 0)) + tree + guest
    second = record(5, text(b"/local/domain/1/x")) + record(9, struct.pack("<I", 1) + text(b"/local/domain/1/x") +
                                                          text(b"tok")) + record(10, struct.pack("<III", 1, 3, 0))
    third = record(7, struct.pack("<I", 1)) + record(6, struct.pack("<IIII", 2, 9, 1, 3)) + record(99, b"later")

    def batch(body, gen):
        return struct.pack("<H", len(body)) + body + struct.pack("<H", gen)
    yield "whole", b"\0" + batch(first, 40)
    yield "journal", b"\0" + batch(first, 40) + batch(second, 41) + batch(third, 42)
    # Numbers past what they index.
    for name, bad in [("owner", node(b"/x", b"", 8, 0x7ff0)), ("perm", node(b"/x", b"", 8, 0, [(0xffff, 1, 0)])),
                      ("strip", record(6, struct.pack("<IIII", 1, 7, 1, 0)) + record(8, struct.pack("<I", 1) + text(
                          b"/" + b"p" * 1300) + struct.pack("<I", 0x10000) + text(b"t" * 3000))),
                      ("streams", guest[:24] + record(11, struct.pack("<II", 1, 9000) + bytes(9000)))]:
        yield "bad-" + name, b"\0" + batch(first + bad, 50)
    yield "raw", b"\1bothy-xenstored-state 1\n" + record(1, bytes(16))


def blk_back():
    """A choice of device, then what is done to it (see act() of the target)."""
    run, step, die, grant, segments = b"\x07", b"\x05", b"\x04", b"\x02", 3

    def request(operation, sector, *pages, first=0, last=7):
        return bytes([10, operation, len(pages), sector]) + b"".join(bytes([p, first, last]) for p in pages)
    some = request(1, 0, 0, 1) + request(0, 8, 2, 4) + request(3, 0) + request(2, 16, 1) + request(5, 3)
    yield "plain", b"\x80" + some + run
    yield "deferred", b"\x8f" + some + run + (step + run) * 9
    yield "die", b"\x8d" + some * 3 + run + step * 2 + run + die + run + (step + run) * 6 + die + run + step * 9 + run
    yield "indirect", (b"\xa2" + bytes([segments, 12]) + b"".join(bytes([i % 3, 0, 7]) for i in range(12)) +
                       bytes([10, 6, 1, 0]) + bytes([0, 0, 7]) + bytes([12, 0]) + run)
    yield "grants", b"\x88" + request(1, 0, 5) + run + b"\x52" + request(0, 0, 5, 5) + run + grant + some + run
    yield "indices", b"\x80" + some + run + b"\x01\xc0" + run + die + run
    yield "bad-segments", b"\x80" + request(0, 0, 0, first=7, last=3) + request(1, 255, 0) + request(0, 0, 3, last=8) + run


def net_back():
    """A choice of device, then what happens to it (see act() of the target)."""
    run, die, all_on = b"\x08", b"\x03", b"\x7e"

    def request(page, size, flags=0, offset=0, blank=0):
        return bytes([12 | (page + 8 * blank) << 4, flags, offset]) + size.to_bytes(2, "little")

    def extra(kind, size=1448, gso=1, more=0):
        return bytes([11 | (kind + 8 * more) << 4]) + size.to_bytes(2, "little") + bytes([gso])

    def offer(first, second=0, blank=0, gso=0):
        how = bytes([6 | (bool(second) + 2 * blank + 4 * gso) << 4])
        return how + first.to_bytes(2, "little") + second.to_bytes(2, "little")
    post, segments = b"\xf4", request(0, 5000, flags=12, blank=1) + extra(1) + request(1, 4000)
    scattered = request(0, 300, flags=4) + request(1, 100, flags=4) + request(2, 50)
    yield "sends", all_on + request(0, 60) + scattered + segments + run
    yield "refused", all_on + request(0, 13) + request(0, 4000, offset=100) + request(0, 100, flags=8) + extra(4) + run
    yield "groups", b"\xfe" + request(0, 0, flags=8) + extra(2, size=1) + run + post + offer(60) + run
    yield "receives", all_on + post + offer(1500) + offer(5000, 4000, 1, 1) + offer(60, 0, 1) + run
    yield "waits", all_on + offer(5000) * 8 + post + run + post + run
    yield "echo", b"\x7f" + post * 2 + scattered + segments + run
    yield "die", all_on + post + scattered * 2 + run + die + segments + offer(9000) + die + run + offer(100) + die + run
    mark = b"\xf0\x18\x00" + bytes([3, 0, 1] + [0] * 12) + b"\x40\x28\x00" + bytes(4)
    yield "marks", all_on + scattered + mark + die + run
    yield "indices", all_on + scattered + run + b"\x01\xff" + run + die + run


def con():
    """The end, and what both ends do (con.c)."""
    def step(op, n):
        return bytes([op | 0x80 if n > 255 else op]) + n.to_bytes(2 if n > 255 else 1, "little")

    def write(text):
        return step(1, len(text)) + text

    def move(n):
        return step(7, n) + bytes(min(n, 40))
    read, push, die = step(0, 3000), step(2, 0), step(6 | 0x40, 0)
    for end in (0, 1):
        first = bytes([end])
        yield f"both-ways-{end}", first + write(b"some words") + push + move(30) + read + push + move(0) + read
        yield f"full-{end}", first + move(2500) + (step(0, 700) + push + move(800)) * 4 + read + push
        yield f"room-{end}", first + write(b"w" * 1500) + push + write(b"more") + move(100) + write(b"than fits") + push
        yield f"dies-{end}", first + move(100) + read + die + read + push + die
        yield f"flood-{end}", first + (move(2500) + read + push) * 6 + step(4, 1000) + read + step(4, 3999) + read
        yield f"dies-untold-{end}", first + write(b"some") + push + move(2500) + read + write(b"words") + step(6 | 0x60, 0)
        # One more than there can be; the rings start at -16 and at 15.
        for index, size in ((0, -1025), (1, 1025), (2, -2049), (3, 2049)):
            far = ((15 if index > 1 else -16) + size) % 2**32
            yield f"far-{end}-{index}", first + step(5, index) + far.to_bytes(4, "little") + read + write(b"x")
        lies = [step(5, n) + n.to_bytes(4, "little") for n in range(8)]
        yield f"lies-{end}", first + move(20) + b"".join(lie + read + write(b"x") + push + die for lie in lies)
    yield "wraps", bytes([5]) + (2**32 - 3).to_bytes(4, "little") + (move(10) + read + write(b"0123456789") + push) * 5


def frame():
    """What to do with it, a header's bytes for the guest, then a frame (see the target)."""
    guest, other = bytes.fromhex("00163e123456"), bytes.fromhex("525400010203")
    v4 = bytes.fromhex("45000064000140004011 0000 0a000005 0a000009".replace(" ", ""))
    v6 = bytes.fromhex("6000000000401140") + bytes.fromhex("20010db8000000000000000000000005") * 2
    arp = bytes.fromhex("0001080006040002") + guest + bytes.fromhex("0a000005 010203040506 0a000009")
    udp, tcp, data = bytes(8), bytes(12) + b"\x50" + bytes(7), bytes(range(100))
    tag, none = bytes.fromhex("81000007"), bytes(10)

    def frame(kind, *rest, tags=b""):
        return other + guest + tags + bytes.fromhex(kind) + b"".join(rest)
    yield "udp", b"\x01" + none + frame("0800", v4, udp, data)
    yield "udp6", b"\x03" + none + frame("86dd", v6, udp, data, tags=tag)
    yield "segments", b"\x05" + none + frame("0800", v4.replace(b"\x11", b"\x06"), tcp, data * 9)
    yield "segments6", b"\x09" + none + frame("86dd", v6.replace(b"\x11", b"\x06", 1), tcp, data * 9)
    yield "arp", b"\x00" + none + frame("0806", arp)
    yield "extensions", b"\x01" + none + frame("86dd", v6.replace(b"\x11", b"\x00", 1), b"\x3c" + bytes(7), b"\x11" + bytes(7), udp)
    yield "fill", b"\x10" + bytes.fromhex("01000000000022000600") + frame("0800", v4, udp, data)
    yield "cut", b"\x1f" + bytes.fromhex("01010000b40522001000") + frame("0800", v4.replace(b"\x11", b"\x06"), tcp, data * 9)


def main():
    makers = [elf, kernel, decode, boot_info, memory_map, options, acpi, config, device_spec, store, store_state, blk_back,
              con, frame, net_back]
    for maker in makers:
        if sys.argv[1:] and maker.__name__ not in sys.argv[1:]:
            continue
        folder = CORPUS / maker.__name__
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("seed-*"):
            old.unlink()
        for name, data in maker():
            (folder / f"seed-{name}").write_bytes(data)


if __name__ == "__main__":
    main()
