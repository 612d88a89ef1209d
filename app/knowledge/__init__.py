"""What we know: knowledge bases, sources, documents, versions and chunks."""
