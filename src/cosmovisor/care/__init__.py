"""Adopt, doctor and explain."""
