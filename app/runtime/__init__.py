"""Builds everything once and closes it in reverse: the only place that knows embedded from production.

Routes, jobs and commands receive what is built here; nothing is a module-level client. A test builds its own runtime,
with its own data folder and, where it wants one, its own model.
"""

from app.runtime.build import Runtime, open_runtime

__all__ = ["Runtime", "open_runtime"]
