"""Unattended sync from genesis through all upgrades."""
