"""Where pictures and packets come from: files and cameras."""
