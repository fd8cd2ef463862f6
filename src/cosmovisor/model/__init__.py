"""Frozen values that travel between the rooms; no effects."""
