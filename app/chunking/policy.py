"""How large parents and chunks are."""

from dataclasses import dataclass

from app.kit.errors import Invalid


@dataclass(frozen=True, slots=True)
class ChunkingPolicy:
    """Sizes in tokens of the counter in use.

    ``target_tokens`` is aimed at, ``max_tokens`` holds with the heading line that is embedded in front (the bundled
    embedder sees 512 tokens), ``hard_cap_tokens`` holds for code that is kept whole. Only a single table row may be
    longer than that.
    """

    parent_tokens: int = 1000
    target_tokens: int = 400
    max_tokens: int = 500
    hard_cap_tokens: int = 800
    overlap_tokens: int = 0

    def __post_init__(self) -> None:
        """Raises Invalid where the sizes contradict each other."""
        _within("target_tokens", self.target_tokens, 32, 4_000)
        _within("max_tokens", self.max_tokens, self.target_tokens, 8_000)
        _within("hard_cap_tokens", self.hard_cap_tokens, self.max_tokens, 16_000)
        _within("parent_tokens", self.parent_tokens, self.target_tokens, 32_000)
        _within("overlap_tokens", self.overlap_tokens, 0, self.target_tokens // 2)


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise Invalid.field(name, f"must be between {low} and {high}.")
