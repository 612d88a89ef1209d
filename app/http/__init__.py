"""Manners of the web: problems, authentication, streams, pages of lists."""
