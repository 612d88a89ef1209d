"""The Model Context Protocol: four tools for agents, over the same flows as every other door."""
