"""The machine that boots Bothy, and a console to drive it.

One description of the QEMU machine serves `make run`, the system tests and the benchmarks. The console
is the serial port: what is written there is kept whole in a log file, and expect() reads on from where
the last call stopped.

    with Machine(cpu="Haswell-noTSX") as m:
        m.wait_prompt(120)
        status, text = m.run("bothy list")

Environment: O (build folder), HV (another multiboot hypervisor), HV_ARGS (more of its options),
ACCEL (tcg or kvm; by default kvm only where the CPU flags and /dev/kvm both say that it works).
"""
import os
import pathlib
import re
import select
import subprocess
import sys
import time

BUILD = pathlib.Path(os.environ.get("O", "build"))
PROMPT = "bothy# "
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\r|\x07")

PARTIAL_ESCAPE = re.compile(r"(\x1b(\[[0-9;?]*)?)?$")

# How QEMU attaches the disk number {0}, by controller.
DISKS = {"virtio": "virtio-blk-pci,drive=d{0}", "nvme": "nvme,drive=d{0},serial=disk{0}",
         "ahci": "ide-hd,drive=d{0},bus=sata.{0}"}


class Failure(Exception):
    """A step that did not hold; the message says which."""


def accelerator():
    """kvm needs the CPU's own flag and a usable device: the device file alone may not run guests."""
    if os.environ.get("ACCEL"):
        return os.environ["ACCEL"]
    flags = set(pathlib.Path("/proc/cpuinfo").read_text().split())
    return "kvm" if flags & {"vmx", "svm"} and os.access("/dev/kvm", os.R_OK | os.W_OK) else "tcg"


def drive(image, name):
    """A drive without a controller. Every boot starts from the same disks: what is written lives as long as the
    machine."""
    return ["-drive", f"file={BUILD / image}.img,if=none,id={name},format=raw,snapshot=on,cache=unsafe"]


def devices(disk, net):
    """dom0's disk, the tools, two guests' disks and a network card."""
    args = ["-netdev", "user,id=n", "-device", f"{net},netdev=n"]
    if disk == "ahci":
        args += ["-device", "ich9-ahci,id=sata"]
    for unit, name in enumerate(("dom0", "tools")):
        args += [*drive(name, f"d{unit}"), "-device", DISKS[disk].format(unit)]
    # Two guests' root file systems: one image, each guest's changes in a place of its own. dom0 finds them by
    # the serial numbers of virtio disks, whatever its own disk is.
    for guest in ("alpha", "gamma"):
        args += [*drive("debian", guest), "-device", f"virtio-blk-pci,drive={guest},serial={guest}"]
    return args


def command(cpu=None, smp=2, memory=2048, hv_args="", dom0_args="", guests=(), disks=True,
            only=(), icount=False, reboot=False, extra=(),
            machine="pc", disk="virtio", net="virtio-net-pci", dom0_kernel="dom0"):
    """Return QEMU's arguments. @memory in MiB; @guests: names of guests that dom0 creates at its
    start; @only: boot these modules instead of dom0's kernel and initramfs; @disks: dom0's disk, the
    tools and a network card, on the controllers @disk (of DISKS) and @net (a QEMU device); @dom0_kernel:
    dom0 is BUILD/@dom0_kernel.kernel with its initramfs."""
    hv = os.environ.get("HV", str(BUILD / "hv.elf"))
    accel = accelerator()
    cpu = cpu or ("host" if accel == "kvm" else "max")
    options = f"console=com1 com1=115200,8n1 dom0_max_vcpus=2 {os.environ.get('HV_ARGS', '')} {hv_args}"
    dom0 = f"{(BUILD / f'{dom0_kernel}.kernel').resolve()} console=hvc0 quiet {dom0_args}"
    for guest in guests:
        dom0 += f" guest={guest}"
    initrd = ",".join(only or (dom0, str(BUILD / f"{dom0_kernel}.cpio.gz")))
    args = ["qemu-system-x86_64", "-machine", machine, "-accel", accel, "-cpu", cpu,
            "-smp", str(smp), "-m", str(memory), "-nographic",
            "-kernel", hv, "-append", " ".join(options.split()), "-initrd", initrd]
    if not reboot:
        args.append("-no-reboot")
    if icount:
        args += ["-icount", "shift=0,sleep=off"]
    if disks:
        args += devices(disk, net)
    else:
        args += ["-net", "none"]
    return args + list(extra)


class Machine:
    """A running machine. Its console log is BUILD/test-logs/NAME.console."""

    def __init__(self, name="machine", **options):
        self.args = command(**options)
        logs = BUILD / "test-logs"
        logs.mkdir(parents=True, exist_ok=True)
        self.log_path = logs / f"{name}.console"
        self.log = open(self.log_path, "wb")
        self.text = self.cut = ""
        self.at = self.runs = 0
        self.child = subprocess.Popen(self.args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT)
        os.set_blocking(self.child.stdout.fileno(), False)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.child.poll() is None:
            if kind is Failure:
                print(f"the machine's processors and interrupt controllers:\n{self.state()}", file=sys.stderr)
            self.child.kill()
        self.child.wait()
        self.log.close()

    def pump(self, seconds):
        """Read what the machine writes for at most @seconds; False when it has ended."""
        ready, _, _ = select.select([self.child.stdout], [], [], seconds)
        if not ready:
            return True
        data = os.read(self.child.stdout.fileno(), 65536)
        if not data:
            return False
        self.log.write(data)
        self.log.flush()
        text = self.cut + data.decode(errors="replace")
        # Keep back an escape sequence that the end of this read cuts.
        self.cut = PARTIAL_ESCAPE.search(text)[0]
        self.text += ESCAPES.sub("", text.removesuffix(self.cut))
        return True

    def state(self):
        """What QEMU knows of a machine that hangs: who runs or halts where, and what interrupts are due. addr2line
        with hv.debug.elf names the places."""
        self.at = len(self.text)
        try:
            self.send("\x01cinfo registers -a\ninfo lapic 0\ninfo lapic 1\ninfo pic\ninfo status\n")
            self.expect("VM status", 10)
        except (Failure, OSError) as failure:
            return f"QEMU does not tell: {failure}"
        telling = re.compile(r"(CPU#\d|RIP=|CR0=|RSP=|dumping|LVTT\t|Timer|ISR|IRR|Remote|pin +\d+ (?!.*masked)|VM).*")
        return "\n".join(line for line in self.text[self.at - 40000:].splitlines() if telling.match(line.strip()))

    def tail(self, lines=15):
        return "\n".join(self.text.splitlines()[-lines:])

    def failure(self, words):
        """What to raise."""
        if "Oops: int3" in self.text:
            words += "; a breakpoint that nobody knows of: see 'A fault that may be the emulator's' in tests/README.md"
        return Failure(f"{words}\n{self.tail()}")

    def expect(self, pattern, timeout, what=None):
        """Wait for the regular expression after what earlier calls consumed; return its match."""
        compiled = re.compile(pattern, re.M)
        end = time.monotonic() + timeout
        alive = True
        while True:
            found = compiled.search(self.text, self.at)
            if found:
                self.at = found.end()
                return found
            if not alive:
                raise self.failure(f"{what or pattern}: the machine ended")
            left = end - time.monotonic()
            if left <= 0:
                raise self.failure(f"{what or pattern}: nothing after {timeout} s")
            alive = self.pump(min(left, 1))

    def send(self, text):
        """Type @text. In pieces: a console's input buffer may hold a hundred bytes only."""
        data = text.encode()
        for i in range(0, len(data), 16):
            self.child.stdin.write(data[i:i + 16])
            self.child.stdin.flush()
            self.pump(0.02)

    def wait_prompt(self, timeout=180):
        self.expect(re.escape(PROMPT), timeout, "dom0's prompt")
        # One long line per command: the shell's line editor would wrap at 80 columns.
        self.send("stty cols 1000\n")
        self.expect(re.escape(PROMPT), 20, "dom0's prompt")

    def run(self, line, timeout=60, prompt=PROMPT):
        """Run a shell line; return (exit status, output)."""
        # A number of its own: a guest's console shows what was said before, too.
        self.runs += 1
        end = f"={self.runs}="
        # One line: what was typed before the shell was reading is echoed twice, but run once.
        self.send(f"{line}; echo =$?{end}\n")
        self.expect(re.escape(f"{line}; echo =$?{end}") + "\n", 60, f"echo of {line!r}")
        start = self.at
        found = self.expect(rf"^=(\d+){end}\n", timeout, f"end of {line!r}")
        status, output = int(found[1]), self.text[start:found.start()]
        self.expect("^" + re.escape(prompt), 20, f"prompt after {line!r}")
        return status, output

    def check(self, line, timeout=60, prompt=PROMPT):
        """Run a shell line that must succeed; return its output."""
        status, output = self.run(line, timeout, prompt)
        if status:
            raise Failure(f"{line}: status {status}\n{output}")
        return output

    def console_leave(self):
        """Leave a guest's console for dom0's prompt, wherever on the line it comes."""
        self.send("\x1d")
        self.expect(re.escape(PROMPT), 30, "dom0's prompt after a guest's console")
        self.send("\n")
        self.expect("^" + re.escape(PROMPT), 30, "dom0's prompt")

    def wait_end(self, timeout=60):
        """Wait until the machine has powered off."""
        end = time.monotonic() + timeout
        while self.pump(max(0, min(1, end - time.monotonic()))):
            if time.monotonic() > end:
                raise Failure(f"still running after {timeout} s\n{self.tail()}")
        if self.child.wait():
            raise Failure(f"QEMU ended with status {self.child.returncode}\n{self.tail()}")


def main():
    """make run: the machine on this terminal, with the guests of the tour; Ctrl-A X ends it."""
    args = command(guests=("alpha", "beta", "gamma"), reboot=True)
    os.execvp(args[0], args)


if __name__ == "__main__":
    sys.exit(main())
