"""From frames and packets to files: pre-alarm, writer thread, encode mode and copy mode."""
