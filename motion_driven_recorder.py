#!/usr/bin/env python3
"""The recorder: watches a camera and records when something moves. See README.md."""

import importlib
import sys

from pynvr.cli import record

if __name__ == "__main__":
    sys.exit(record(lambda: importlib.import_module("config")))
