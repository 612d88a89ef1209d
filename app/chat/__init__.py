"""Answering: from a question to a cited, streamed, stored answer."""
