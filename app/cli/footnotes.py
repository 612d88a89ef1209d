"""What stands under an answer: where each number points, and what the answer took."""

from collections.abc import Sequence

from app.cli.record import Record, part
from app.cli.screen import plain
from app.cli.search import where
from app.kit.text import excerpt

QUOTE = 100


def footnotes(citations: Sequence[Record]) -> list[str]:
    """One line for each number, in their order: ``[1] Handbook, p. 3 › Leave: "Everybody has …"``."""
    lines: list[str] = []
    for citation in sorted(citations, key=lambda citation: citation["n"]):
        line = f"[{citation['n']}] {where(citation.get('title'), citation)}"
        if citation.get("quote"):
            line += f': "{excerpt(plain(citation["quote"]), QUOTE)}"'
        if not citation.get("verified", True):
            line += " (not found word for word)"
        lines.append(line)
    return lines


def summary(usage: Record) -> str:
    """The answer's usage event in one line: ``extractive · 812 tokens · $0 · 43 ms to the first word``."""
    cache = part(usage, "cache")
    parts = [plain(usage.get("model"))]
    if cache.get("hit"):
        parts.append(f"from the {plain(cache.get('type'))} cache")
    if usage.get("total_tokens"):
        parts.append(f"{usage['total_tokens']} tokens")
        parts.append(f"{'about ' if usage.get('estimated') else ''}${plain(usage.get('cost_usd'))}")
    first = part(usage, "timings_ms").get("first_token")
    if isinstance(first, int | float):
        parts.append(f"{first:.0f} ms to the first word")
    return " · ".join(part for part in parts if part)
