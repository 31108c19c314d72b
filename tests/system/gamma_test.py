#!/usr/bin/env python3
"""Debian's PV GRUB as a guest's kernel: it finds grub.cfg on the guest's disk, loads the kernel there and hands
over; then the same as alpha."""
import debian_guest

if __name__ == "__main__":
    debian_guest.run("gamma", ("Welcome to GRUB", "/boot/grub/grub.cfg"))
