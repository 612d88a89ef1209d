"""How to answer: bots and their policies."""
