"""Watches governance and the plan ahead of the height."""
