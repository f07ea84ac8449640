"""The settings: their types, how they are read, and warnings if others can read or write their files."""

from pynvr.settings.fields import Settings
from pynvr.settings.loading import load

__all__ = ["Settings", "load"]
