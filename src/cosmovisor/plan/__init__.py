"""Plan file, plan info and names: bytes become values."""
