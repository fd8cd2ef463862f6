"""Checks of `doctor` by what they look at."""
