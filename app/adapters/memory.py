"""Giving memory back."""

import ctypes
import sys


def release_memory() -> None:
    """Return freed memory to the system; takes milliseconds.

    glibc keeps what was freed for later: after the embedder's scratch space or a vocabulary's tables, 30 to 200 MB.
    Does nothing on other systems than Linux, nor with musl, which keeps nothing.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
