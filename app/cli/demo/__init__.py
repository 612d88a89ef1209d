"""The whole main job in one command, on a document of our own."""
