"""Freed pictures are reused instead of being given back and faulted in again."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROUNDS = """
import resource, sys
import numpy as np
from pynvr.service import malloc
if "keep" in sys.argv:
    malloc.keep_freed_pictures()
def round():
    pictures = [np.ones((1080, 1920, 3), np.uint8) for _ in range(4)]
for _ in range(3):
    round()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    round()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_pictures_that_come_and_go_cost_no_page_faults() -> None:
    def faults(*arguments: str) -> int:
        command = [sys.executable, "-c", ROUNDS, *arguments]
        root = Path(__file__).resolve().parents[2]
        return int(subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout)

    assert faults("keep") < 100
    assert faults() > 1000
