#!/usr/bin/env python3
"""Tuning: shows the camera's picture and when motion is detected. See README.md."""

import importlib
import sys

from pynvr.tuning.scripts import show_picture

if __name__ == "__main__":
    sys.exit(show_picture(lambda: importlib.import_module("config")))
