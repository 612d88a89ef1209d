"""HTML: the main content as blocks, without the furniture around it."""
