"""Tests of the archive's page."""
