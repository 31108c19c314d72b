"""A story: what is done on a machine, told on standard output; and the steps that several stories share."""
import random
import re
import sys
import time

from machine import PROMPT, Failure, Machine

GUEST_PROMPT = "guest# "
# What a kernel may say: that its CPU was not run for long, on a busy host; and dom0's bridge, that a netback came or went.
EXPECTED = "hrtimer: interrupt took|xenbr0: port .* entered"
KERNEL_WORDS = f"dmesg | grep -Evc '{EXPECTED}'"
FILE_MIB = 8


def on_machine(name, tell):
    """Let @tell act on a machine at dom0's prompt; its failure is how the program ends."""
    try:
        with Machine(name) as machine:
            machine.wait_prompt()
            tell(machine)
    except Failure as failure:
        sys.exit(f"{name}: {failure}")


def boot_demo(machine, settings=""):
    """Create the guest demo and wait until it is up."""
    machine.check(f"bothy create -q /guests/demo.cfg {settings}", 120)
    machine.send("bothy console demo\n")
    machine.expect("guest-ready", 180, "the guest is up")
    machine.console_leave()


def power_off(machine):
    machine.send("poweroff\n")
    machine.wait_end(90)


class Story:
    """A machine whose steps are told on standard output."""

    def __init__(self, machine):
        self.machine = machine
        self.lines = []
        self.start = time.monotonic()

    def say(self, text):
        print(f"[{time.monotonic() - self.start:6.1f} s] {text}", flush=True)

    def do(self, line, timeout=60, prompt=PROMPT, shown=None):
        """Run a line that must succeed, and show it, or what is @shown for it, with its output."""
        print(f"           {prompt}{shown or line}", flush=True)
        self.lines.append(line)
        output = self.machine.check(line, timeout, prompt)
        for out in output.splitlines():
            print(f"           {out}", flush=True)
        return output


def ids(story):
    """{name: domain id} of what `bothy list` shows."""
    rows = [row.split() for row in story.machine.check("bothy list").splitlines()[1:]]
    return {row[0]: int(row[1]) for row in rows if len(row) >= 6}


def wait_for(what, holds, timeout=60):
    """Wait until @holds() returns something true; return that."""
    end = time.monotonic() + timeout
    while not (found := holds()):
        if time.monotonic() > end:
            raise Failure(f"{what}: not after {timeout} s")
        time.sleep(0.5)
    return found


def wait_gone(story, guest, timeout=60):
    wait_for(f"{guest} is no longer listed", lambda: guest not in ids(story), timeout)


def nothing_left(machine, line, timeout=20):
    """Wait until the shell line prints nothing: what guests leave behind goes soon after them, not with them."""
    end = time.monotonic() + timeout
    while left := machine.check(line).strip():
        if time.monotonic() > end:
            raise Failure(f"left behind: {left}")
        time.sleep(0.5)


def wait_successor(story, guest, old, timeout=120):
    """Wait until @guest is listed with another number than @old; return that."""
    return wait_for(f"{guest} is back", lambda: (now := ids(story).get(guest)) != old and now, timeout)


def create(story, guest, settings=""):
    story.do(f"bothy create /guests/{guest}.cfg {settings}".rstrip(), 120)
    if guest not in ids(story):
        raise Failure(f"{guest} was created and is not listed")


def enter(story, guest):
    """Attach to the console of a guest of the small initramfs and wait until it is up; return its prompt."""
    story.say(f"on the console of {guest}, which boots")
    story.machine.send(f"bothy console {guest}\n")
    story.machine.expect("guest-ready (.*)\n", 180, f"{guest} up")
    story.machine.send("\n")
    story.machine.expect(re.escape(GUEST_PROMPT), 30, f"shell of {guest}")
    story.machine.check("stty cols 1000", 30, GUEST_PROMPT)
    return GUEST_PROMPT


def in_guest(machine, guest, line, timeout=60):
    """Run a line that must succeed on the console of @guest, whose shell waits there; return its output."""
    machine.send(f"bothy console {guest}\n\n")
    machine.expect("^" + re.escape(GUEST_PROMPT), 60, f"shell of {guest}")
    output = machine.check(line, timeout, GUEST_PROMPT)
    machine.console_leave()
    return output


def kernel_words(machine, prompt=PROMPT):
    """How many lines a kernel has logged that a test must explain."""
    return int(machine.check(KERNEL_WORDS, 60, prompt))


# Kill one of the processes called $1, number $2 of them, as soon as there is one, wait until it is gone, since its successor
# is another, and $3 us more.
KILL = ("k() { until p=$(pidof $1); do usleep 1000; done; n=$2 w=$3; set -- $p; shift $((n % $#)); kill -9 $1; "
        "while [ -d /proc/$1 ]; do usleep 1000; done; usleep $w; }")


def kills(machine, process, count, seed):
    """Kill a @process of backendd's @count times, at once or after a while; one in five is backendd itself."""
    chance = random.Random(seed)
    machine.check(KILL)
    for _ in range(count):
        name = "backendd" if chance.random() < 0.2 else process
        pause = chance.choice((0, 1000, 30000, 300000, 900000))
        machine.check(f"k {name} {chance.randrange(100)} {pause}", 60)


def listed(machine, guest):
    """Memory in MiB and virtual CPUs of @guest, as listed."""
    row = machine.check(f"bothy list {guest}").splitlines()[1].split()
    return int(row[2]), int(row[3])


def free_pages(machine):
    return int(machine.check("bothy info free_pages").split()[-1])


def serve(story):
    """Put a file of random data on dom0's web server; return its checksum."""
    story.do("mkdir -p /run/www && httpd -p 192.168.77.1:80 -h /run/www")
    story.do(f"head -c {FILE_MIB}m /dev/urandom >/run/www/file")
    return story.do("sha256sum /run/www/file").split()[0]


def work(story, guest, checksum):
    enter(story, guest)
    for line in ("disk-test xvda 64", f"net-test 192.168.77.1 file {checksum}"):
        if "equal" not in story.do(line, 240, GUEST_PROMPT):
            raise Failure(f"{line}: not equal")
    story.machine.console_leave()
