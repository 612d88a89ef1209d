"""A quick guess at the number of tokens, for choosing borders; the exact count is taken once per finished chunk.

The guess depends on nothing but the text itself, so that an edit moves the borders near it and no others.
"""

import re

# Byte-pair vocabularies hold most words whole, digits in threes, signs one by one.
_PIECES = re.compile(r"[^\W\d_]{1,8}|\d{1,3}|[^\w\s]|_")
PER_EXTRA_BYTE = 0.9
"""Vocabularies made for English spell other scripts nearly byte by byte."""


def estimate_tokens(text: str) -> int:
    """About as many tokens as a vocabulary of English counts: within a tenth on prose, low on source code."""
    pieces = len(_PIECES.findall(text))
    if text.isascii():
        return pieces
    return pieces + round((len(text.encode()) - len(text)) * PER_EXTRA_BYTE)
