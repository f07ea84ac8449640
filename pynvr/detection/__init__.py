"""What moves in a picture: pure, no clock. Only `from_settings` knows settings, only `load_mask` a file."""
