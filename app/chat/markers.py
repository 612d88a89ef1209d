"""Finds citation markers in a text that arrives in pieces.

Recognised: ``[1]``, ``[1][2]``, ``[1, 2]``, full-width ``【1】`` and ``［1］``. Left alone: anything inside a fenced or
inline code span, a link ``[1](…)``, and brackets that hold anything but numbers. A marker may be cut anywhere by the
stream; at most one possible marker is held back at a time, so text is delayed by a few characters at most.
"""

import re
from dataclasses import dataclass

_OPEN = "[【［"
_CLOSE = {"[": "]", "【": "】", "［": "］"}
_INSIDE = frozenset("0123456789, ，、\u00a0")
_LONGEST = 40
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Text:
    """Characters that are no marker."""

    text: str


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker with its numbers, in order. ``raw`` is how it was written."""

    numbers: tuple[int, ...]
    raw: str


Piece = Text | Marker


class MarkerScanner:
    """Feed it text; it gives back text and markers, in order, as early as it can tell them apart."""

    def __init__(self) -> None:
        self._held = ""
        self._closed: Marker | None = None
        self._ticks = 0
        self._fence = 0
        """The number of back-ticks that opened the code we are in; 0 outside code."""

    def feed(self, text: str) -> list[Piece]:
        """Take in a further piece of text."""
        out: list[Piece] = []
        for letter in text:
            self._take(letter, out)
        return _joined(out)

    def finish(self) -> list[Piece]:
        """Nothing more will come: an unfinished marker is dropped, anything else is given back."""
        out: list[Piece] = []
        self._end_ticks()
        if self._closed is not None:
            out.append(self._closed)
            self._closed = None
        if self._held and not _NUMBER.search(self._held):
            out.append(Text(self._held))
        self._held = ""
        return _joined(out)

    def _take(self, letter: str, out: list[Piece]) -> None:
        if letter == "`":
            self._release(out)
            self._ticks += 1
            out.append(Text(letter))
            return
        self._end_ticks()
        if self._closed is not None:
            self._settle(letter, out)
        if self._fence:
            out.append(Text(letter))
        elif self._held:
            self._extend(letter, out)
        elif letter in _OPEN:
            self._held = letter
        else:
            out.append(Text(letter))

    def _extend(self, letter: str, out: list[Piece]) -> None:
        if letter == _CLOSE[self._held[0]]:
            raw = self._held + letter
            numbers = tuple(int(found) for found in _NUMBER.findall(raw))
            self._held = ""
            if numbers:
                self._closed = Marker(numbers, raw)
            else:
                out.append(Text(raw))
        elif letter in _INSIDE and len(self._held) < _LONGEST:
            self._held += letter
        else:
            out.append(Text(self._held))
            self._held = ""
            self._take(letter, out)

    def _settle(self, following: str, out: list[Piece]) -> None:
        """A closed bracket is a marker unless it turns out to be the text of a link."""
        marker, self._closed = self._closed, None
        if marker is not None:
            out.append(Text(marker.raw) if following == "(" else marker)

    def _release(self, out: list[Piece]) -> None:
        if self._closed is not None:
            out.append(self._closed)
            self._closed = None
        if self._held:
            out.append(Text(self._held))
            self._held = ""

    def _end_ticks(self) -> None:
        """A run of back-ticks opens code, or closes code that a run of the same length opened."""
        if not self._ticks:
            return
        if not self._fence:
            self._fence = self._ticks
        elif self._ticks == self._fence:
            self._fence = 0
        self._ticks = 0


def _joined(pieces: list[Piece]) -> list[Piece]:
    joined: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Text) and joined and isinstance(joined[-1], Text):
            joined[-1] = Text(joined[-1].text + piece.text)
        else:
            joined.append(piece)
    return joined
