"""A stored answer told again, as the pieces of a new one: each citation right behind the text with its marker."""

from collections.abc import Iterator

from app.chat.cache.values import Stored
from app.chat.events import Cited, Delta


class Retelling:
    """Tells one stored answer; ``text`` is all of it that was told so far."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._told = 0

    @property
    def text(self) -> str:
        """The answer so far."""
        return self._stored.text[: self._told]

    def tell(self) -> Iterator[Delta | Cited]:
        """The whole answer."""
        for citation in self._stored.citations:
            yield from self._up_to(citation.answer_end)
            yield citation
        yield from self._up_to(len(self._stored.text))

    def finish(self) -> Iterator[Delta | Cited]:
        """Nothing is ever held back."""
        return iter(())

    def _up_to(self, end: int) -> Iterator[Delta]:
        if end > self._told:
            start, self._told = self._told, end
            yield Delta(self._stored.text[start:end])
