"""The effects around the decision machine: node, signals, watches, timers, socket."""
