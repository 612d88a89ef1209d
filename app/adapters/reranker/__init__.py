"""Reranking: a model reads the question with each passage and says how well it answers."""
