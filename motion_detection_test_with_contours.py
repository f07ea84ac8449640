#!/usr/bin/env python3
"""Tuning: shows the four stages of the motion detector as one picture. See README.md."""

import importlib
import sys

from pynvr.tuning.scripts import show_stages

if __name__ == "__main__":
    sys.exit(show_stages(lambda: importlib.import_module("config")))
