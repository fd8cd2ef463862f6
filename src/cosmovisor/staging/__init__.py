"""Fetch, verify, unpack, prove and commit a binary."""
