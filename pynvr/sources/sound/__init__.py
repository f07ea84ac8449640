"""The sound of a stream: which belongs to which picture, and at what time."""
