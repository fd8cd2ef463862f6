"""Upgrade nights in a simulated world: the real supervisor code, with clock, processes and chain behind seams."""
