"""The archive as a page: files beside the recordings, kept true by the recorder, opened by any browser."""
