"""One file per command; the only exits."""
