"""Doors for other people's clients, over the same flows as ours: OpenAI's protocol and the Model Context Protocol."""
