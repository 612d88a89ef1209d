"""One way to clean text, for every format, applied while a document's text is built.

Cleaning each piece before it gets its offsets means that offsets never have to be mapped afterwards. Canonical
composition (NFC, Unicode Annex 15) of the pieces equals that of the whole, because pieces are joined by line feeds
and white space, which compose with nothing.
"""

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_ODD_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
# Controls, lone surrogates, invisible joiners and direction marks, soft hyphens, non-characters, and the tag block,
# which can carry a whole hidden sentence. Zero-width joiner and non-joiner stay: Persian, Hindi and emoji need them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_LATIN_LIGATURE = re.compile("[\ufb00-\ufb06]")
_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
_ASCII_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_SPACES = re.compile("[ \t]+")
_SPACE_AROUND_LINE_END = re.compile(" ?\n ?")
_BLANK_LINES = re.compile("\n{3,}")
_WHITE = re.compile(r"\s+")


def clean(text: str) -> str:
    """``text`` in NFC with line feeds, plain spaces and no invisible or control characters; layout is kept."""
    if text.isascii():
        return _ASCII_UNWANTED.sub("", _LINE_ENDS.sub("\n", text))
    text = _UNWANTED.sub("", _ODD_SPACES.sub(" ", _LINE_ENDS.sub("\n", text)))
    text = _LATIN_LIGATURE.sub(lambda found: _LIGATURES[found[0]], text)
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def clean_prose(text: str) -> str:
    """Cleaned text whose runs of spaces are one space, with line ends kept and at most one blank line."""
    text = _SPACES.sub(" ", clean(text))
    return _BLANK_LINES.sub("\n\n", _SPACE_AROUND_LINE_END.sub("\n", text)).strip()


def clean_line(text: str) -> str:
    """Cleaned text on one line."""
    return _WHITE.sub(" ", clean(text)).strip()


def clean_code(text: str) -> str:
    """Cleaned text with its indentation, without trailing spaces, with at most one blank line."""
    # Not by a pattern: one for trailing spaces takes time in the square of a long run of others.
    lines = (line.rstrip() for line in clean(text).split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")
