#!/usr/bin/env python3
"""Guests that are destroyed with disk and net connected leave the hypervisor's free frames as they were.

    tests/system/churn_connected_test.py [ROUNDS]
"""
from churn_test import churn, die_connected, rounds
from story import on_machine

if __name__ == "__main__":
    on_machine("churn-connected", lambda machine: churn(machine, rounds(3), die_connected))
