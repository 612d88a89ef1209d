"""Turns a stream of model text into deltas and checked citations.

A marker that points at no source is removed together with the space before it; one that does is written as ``[n]``
and followed by a citation. The joined deltas are the answer: what is stored and what every offset refers to.
"""

from collections.abc import Iterator, Sequence

from app.chat.context import Source
from app.chat.events import Cited, Delta
from app.chat.markers import Marker, MarkerScanner, Piece
from app.chat.support import find_support
from app.kit.sentences import sentence_spans


class CitationWriter:
    """Follows one answer as it is written; ``text`` is all of it so far."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = {source.n: source for source in sources}
        self._scanner = MarkerScanner()
        self._parts: list[str] = []
        self._length = 0
        self._spaces = ""
        self._sentence_start = 0
        self._bare = ""
        """The text of the present paragraph without its markers, in which sentences are found."""

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._parts)

    def feed(self, text: str) -> Iterator[Delta | Cited]:
        """Take in a piece of the model's text."""
        yield from self._emit(self._scanner.feed(text))

    def finish(self) -> Iterator[Delta | Cited]:
        """The model has ended, or was ended: give back what was held."""
        yield from self._emit(self._scanner.finish())
        self._spaces = ""

    def _emit(self, pieces: list[Piece]) -> Iterator[Delta | Cited]:
        for piece in pieces:
            if isinstance(piece, Marker):
                yield from self._cite(piece)
            else:
                yield from self._write(piece.text)

    def _write(self, text: str) -> Iterator[Delta]:
        """Trailing spaces wait, because they go too if a removed marker follows."""
        text = self._spaces + text
        kept = text.rstrip(" ")
        self._spaces = text[len(kept) :]
        if kept:
            yield self._append(kept)

    def _cite(self, marker: Marker) -> Iterator[Delta | Cited]:
        known = [n for n in dict.fromkeys(marker.numbers) if n in self._sources]
        if not known:
            self._spaces = "" if self._spaces and self._length else self._spaces
            return
        for n in known:
            start, sentence = self._sentence()
            yield self._append(self._spaces + f"[{n}]", marker=True)
            self._spaces = ""
            yield self._citation(self._sources[n], sentence, start)

    def _append(self, text: str, *, marker: bool = False) -> Delta:
        self._parts.append(text)
        self._length += len(text)
        if not marker:
            self._bare += text
        else:
            self._bare += " " * len(text)
        return Delta(text)

    def _sentence(self) -> tuple[int, str]:
        """Where the sentence before a marker starts in the answer, and its text without markers."""
        border = self._bare.rfind("\n", 0, len(self._bare.rstrip())) + 1
        paragraph = self._bare[border:].rstrip()
        spans = sentence_spans(paragraph)
        start = spans[-1][0] if spans else 0
        return border + start, " ".join(paragraph[start:].split())

    def _citation(self, source: Source, sentence: str, answer_start: int) -> Cited:
        evidence = source.evidence
        support = find_support(sentence, source)
        return Cited(
            n=source.n,
            chunk_id=evidence.chunk_id,
            document_id=evidence.document_id,
            version_id=evidence.version_id,
            title=evidence.title,
            page=support.page,
            heading_path=evidence.heading_path,
            char_start=support.char_start,
            char_end=support.char_end,
            answer_start=answer_start,
            answer_end=self._length,
            quote=support.quote,
            verified=support.verified,
        )
