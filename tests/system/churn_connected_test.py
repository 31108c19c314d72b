#!/usr/bin/env python3
"""Guests that are destroyed with disk and net connected leave the hypervisor's free frames as they were."""
import sys

from churn_test import churn
from machine import Failure

if __name__ == "__main__":
    try:
        churn("churn-connected", 5, True)
    except Failure as failure:
        sys.exit(f"churn: {failure}")
