"""Where text may be cut when no sentence, line or row border is near enough."""

Span = tuple[int, int]


def trimmed(text: str, start: int, end: int) -> Span:
    """The span without white space at its ends; empty at ``start`` where there is nothing else."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def span_lines(text: str, start: int, end: int) -> list[Span]:
    """The lines between ``start`` and ``end`` that hold more than white space; indentation stays with its line."""
    spans: list[Span] = []
    at = start
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        if not text[at:stop].isspace() and stop > at:
            spans.append((at, stop))
        at = stop + 1
    return spans


def long_spans(text: str, span: Span, longest: int) -> list[Span]:
    """The span in pieces of at most ``longest`` characters, cut between words where there are any."""
    start, end = span
    pieces: list[Span] = []
    while end - start > longest:
        cut = _word_border(text, start, start + longest)
        pieces.append(trimmed(text, start, cut))
        start = trimmed(text, cut, end)[0]
    pieces.append((start, end))
    return [piece for piece in pieces if piece[1] > piece[0]]


def _word_border(text: str, start: int, latest: int) -> int:
    """The last border between words in the second half of the piece, or ``latest`` where there is none."""
    for at in range(latest, start + (latest - start) // 2, -1):
        if text[at].isspace() or text[at - 1].isspace():
            return at
    return latest
