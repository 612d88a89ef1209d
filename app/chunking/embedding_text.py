"""The text that stands for a chunk in the indexes: where it is, then what it says."""

MAX_CONTEXT_CHARS = 160
"""About forty tokens, so that a chunk of 450 still fits an embedder of 512."""


def context_line(title: str | None, heading_path: tuple[str, ...]) -> str:
    """The document's title and the headings above a piece on one line, the nearest ones kept where it is long."""
    parts = list(heading_path) if title is None or title in heading_path[:1] else [title, *heading_path]
    line = " > ".join(parts)
    while len(line) > MAX_CONTEXT_CHARS and len(parts) > 1:
        # The outermost heading says least about the piece; the title is the last to go but one.
        del parts[1 if title is not None and len(parts) > 2 else 0]
        line = " > ".join(parts)
    return line[:MAX_CONTEXT_CHARS]


def embedding_text(title: str | None, heading_path: tuple[str, ...], content: str) -> str:
    """What is embedded and indexed for a chunk: its context line, a line feed, its content."""
    line = context_line(title, heading_path)
    return f"{line}\n{content}" if line else content
