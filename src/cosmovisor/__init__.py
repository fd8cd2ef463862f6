"""Keeps a Cosmos SDK node on the right binary."""

__version__ = "0.1.0"
