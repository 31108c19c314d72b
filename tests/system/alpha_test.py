#!/usr/bin/env python3
"""Debian 12 with systemd on PV disks and net, two virtual CPUs, the 6.1 cloud kernel: boots, works, shuts down."""
import debian_guest

if __name__ == "__main__":
    debian_guest.run("alpha")
