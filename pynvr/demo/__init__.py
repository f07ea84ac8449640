"""The drawn scene: a camera that needs no camera, whose truth is known."""
