"""Learning: from a source to active, searchable chunks."""
