"""pynvr: a motion-driven network video recorder on OpenCV."""
