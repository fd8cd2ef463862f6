"""A small chain daemon that behaves like a real one where we touch it."""
