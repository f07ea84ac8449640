#!/usr/bin/env python3
"""Tuning: shows the four stages of the motion detector as one picture. See README.md."""

import importlib
import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C before it runs ends it without a traceback

try:
    from pynvr.tuning.scripts import show_stages
except (ImportError, SyntaxError) as error:
    sys.exit(f"pynvr: {error}; make demo first, then .venv/bin/python {sys.argv[0]}")

if __name__ == "__main__":
    sys.exit(show_stages(lambda: importlib.import_module("config")))
