"""From bytes to text when nobody says for certain how it was written."""

import codecs
import re

from charset_normalizer import from_bytes

SAMPLE_BYTES = 200_000
"""How much of a file the guess looks at; more makes it slow, not better."""

_DECLARED = re.compile(rb"<meta[^>]{1,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_XML_DECLARED = re.compile(rb"<\?xml[^>]{1,100}?encoding\s*=\s*[\"']([\w.:-]{2,40})", re.IGNORECASE)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(data: bytes) -> str:
    """The text of ``data``: by its byte order mark, as UTF-8, or by the most likely older encoding.

    Never fails: what cannot be decoded becomes the replacement character.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(_guess(data), errors="replace")
    return data.decode(_wide(data), errors="replace") if "\x00" in text else text


def decode_markup(data: bytes) -> str:
    """As ``decode``, but believing what an HTML or XML document declares about itself where it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        declared = _DECLARED.search(data, 0, 4096) or _XML_DECLARED.match(data)
    if declared is None or data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return decode(data)
    try:
        return data.decode(codecs.lookup(declared[1].decode("ascii")).name, errors="replace")
    except (LookupError, ValueError):
        return decode(data)


def _guess(data: bytes) -> str:
    match = from_bytes(data[:SAMPLE_BYTES]).best()
    # Windows-1252 gives a character for almost every byte: the least surprising last resort.
    return match.encoding if match is not None else "cp1252"


def _wide(data: bytes) -> str:
    """UTF-16 without a mark where every other byte is NUL, else UTF-8 with NULs that cleaning removes."""
    half = max(1, len(data) // 2)
    even, odd = data[0::2].count(0), data[1::2].count(0)
    if max(even, odd) < 0.7 * half or min(even, odd) > 0.05 * half:
        return "utf-8"
    return "utf-16-be" if even > odd else "utf-16-le"
