"""A Debian guest with systemd, on /guests/NAME.cfg: its login, its work, its clean shutdown, every step checked.

debian_test.py is its user, and tour.py of a part.
"""
import re

from machine import Failure
from story import wait_gone

GRUB_SAYS = ("Welcome to GRUB", "/boot/grub/grub.cfg")

ON_ROOT = ("head -c 8M /dev/urandom >data && sha256sum data >sum && sync && "
           "echo 3 >/proc/sys/vm/drop_caches && sha256sum -c sum")
# The byte of the superblock that says whether ext4 was unmounted, and the value that says yes.
STATE = "hexdump -s 1082 -n 1 -e '\"%d\\n\"' /dev/disk/by-id/virtio-{}"


def enter(story, name, first_words):
    """Attach to the console, where @first_words must come before the login prompt; log in; return the prompt."""
    prompt = f"root@{name}:~# "
    story.say(f"on the console of {name}, which boots")
    story.machine.send(f"bothy console {name}\n")
    for words in first_words:
        story.machine.expect(words, 180, f"{name}: {words}")
        story.say(words)
    story.machine.expect(f"{name} login: ", 240, f"{name}'s login prompt")
    story.say("login prompt")
    story.machine.send("root\n")
    story.machine.expect(re.escape(prompt), 60, f"{name}'s shell")
    story.machine.check("stty cols 1000", 30, prompt)
    return prompt


def work(story, prompt, checksum):
    story.do("uname -rv", 30, prompt)
    story.do("systemctl is-system-running --wait", 120, prompt)
    story.do("/lib/systemd/systemd-networkd-wait-online --ipv4 --timeout=120", 150, prompt)
    for line, wanted in ((ON_ROOT, "data: OK"), ("disk-test xvdb 16", "equal"),
                         (f"net-test 192.168.77.1 file {checksum}", "equal")):
        if wanted not in story.do(line, 240, prompt):
            raise Failure(f"{line}: no {wanted!r}")


def shut_down(story, name):
    story.do(f"bothy shutdown {name}")
    wait_gone(story, name, 120)
    if story.do(STATE.format(name)).strip() != "1":
        raise Failure(f"{name} left its root file system mounted")
