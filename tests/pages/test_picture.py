"""The documents' picture of the page can be drawn anew."""

import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from page_cameras import CHROMIUM
from running import ROOT


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
def test_the_picture_of_the_page_is_drawn(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(ROOT / "img" / "page_picture.py"), str(tmp_path)], check=True)
    for name in ("page.jpg", "page_phone.jpg"):
        drawn, kept = cv2.imread(str(tmp_path / name)), cv2.imread(str(ROOT / "img" / name))
        assert drawn is not None and kept is not None
        assert drawn.shape == kept.shape
        assert drawn.std() == pytest.approx(kept.std(), rel=0.2)  # as many recordings; fonts may differ
