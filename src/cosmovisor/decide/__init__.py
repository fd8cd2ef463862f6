"""Pure decisions: facts in, decision and reason out."""
