"""The folder of recordings: names, index, closing, recovery, retention."""
