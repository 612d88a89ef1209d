"""MiniRAG: documents become evidence, evidence becomes cited answers."""

__version__ = "0.1.0"
