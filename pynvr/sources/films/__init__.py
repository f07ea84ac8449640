"""Films: videos with an end, from a file or a web server."""
