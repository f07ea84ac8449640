"""pynvr: a motion-driven network video recorder on OpenCV."""

import sys


def main() -> int:
    """Run the command `pynvr` that pip installs: the recorder in the current directory, or `pynvr export`."""
    try:
        if sys.argv[1:2] == ["export"]:
            from pynvr.pages import export  # the recorder needs nothing of it

            return export.main(sys.argv[2:])
        from pynvr.cli import record
        from pynvr.settings.loading import installed_defaults
    except ImportError as error:  # libGL.so.1 on a slim server
        print(
            f"pynvr: {error}; a slim server needs opencv-python-headless of the same version in place of "
            "opencv-python",
            file=sys.stderr,
        )
        return 1
    return record(installed_defaults)
