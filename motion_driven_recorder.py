#!/usr/bin/env python3
"""The recorder: watches a camera and records when something moves. See README.md."""

import importlib
import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C before it runs ends it without a traceback

try:
    from pynvr.cli import record
except (ImportError, SyntaxError) as error:
    sys.exit(f"pynvr: {error}; make demo first, then .venv/bin/python {sys.argv[0]}")

if __name__ == "__main__":
    sys.exit(record(lambda: importlib.import_module("config")))
