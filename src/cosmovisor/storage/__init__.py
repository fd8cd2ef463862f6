"""The only place that renames, links, syncs and locks; the state document."""
