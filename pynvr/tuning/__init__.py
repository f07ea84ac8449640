"""The two tuning scripts and their report."""
