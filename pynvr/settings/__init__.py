"""The settings: what there is, reading them, and who else can read or write their files."""

from pynvr.settings.fields import Settings
from pynvr.settings.loading import load

__all__ = ["Settings", "load"]
