"""What moves in a picture: pure, no clock, no files, no settings."""
