"""When pictures of a camera were taken, by its own clock and by their arrival. Pure arithmetic."""
