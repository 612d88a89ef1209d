"""Text hygiene that every door and the parsers share."""

import unicodedata


def is_printable_name(text: str) -> bool:
    """Whether ``text`` is free of control characters, NUL and lone surrogates (new lines and tabs are fine)."""
    return not any(unicodedata.category(letter) in {"Cc", "Cs"} and letter not in "\n\t" for letter in text)


def has_lone_surrogate(text: str) -> bool:
    """Whether ``text`` cannot be encoded as UTF-8."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def excerpt(text: str, limit: int) -> str:
    """``text`` on one line, cut at a word border to at most ``limit`` characters, with an ellipsis when cut."""
    folded = " ".join(text.split())
    if len(folded) <= limit:
        return folded
    cut = folded[: limit - 1]
    border = cut.rfind(" ")
    return (cut[:border] if border > limit // 2 else cut).rstrip(" ,;:") + "…"
