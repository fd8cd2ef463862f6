"""What a chain answers and what it leaves on disk."""
