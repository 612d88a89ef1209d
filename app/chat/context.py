"""What the model gets to read: numbered sources within the bot's budget of tokens and chunks.

Chunks that were cut from the same parent become one source, so no text is sent twice; the parent is what is read,
and where it does not fit any more, the chunk alone may.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.bots.policies import RetrievalPolicy
from app.chat.events import SourceView
from app.kit.text import excerpt
from app.knowledge.reading import Evidence
from app.retrieval.evidence import Found

SNIPPET_CHARS = 240


@dataclass(frozen=True, slots=True)
class Source:
    """A numbered passage: ``text`` begins at ``char_start`` of the version's text, after ``prefix``."""

    n: int
    evidence: Evidence
    score: float
    text: str
    prefix: str
    char_start: int
    tokens: int

    def view(self) -> SourceView:
        """The source as people see it."""
        evidence = self.evidence
        return SourceView(
            n=self.n,
            chunk_id=evidence.chunk_id,
            document_id=evidence.document_id,
            version_id=evidence.version_id,
            title=evidence.title,
            heading_path=evidence.heading_path,
            page=evidence.page,
            score=self.score,
            snippet=excerpt(evidence.content, SNIPPET_CHARS),
        )


def choose_sources(
    found: Sequence[Found], policy: RetrievalPolicy, count_tokens: Callable[[str], int]
) -> tuple[Source, ...]:
    """The best evidence, best first and numbered from 1, within ``max_chunks`` and ``context_tokens``.

    The first source is always taken, however long its chunk is: an answer from something beats none.
    """
    chosen: list[Source] = []
    left = policy.context_tokens
    parents: set[object] = set()
    for item in found:
        if len(chosen) >= policy.max_chunks:
            break
        if item.evidence.parent_id in parents or (chosen and item.evidence.token_count > left):
            continue  # A parent is never shorter than its chunk, so there is nothing to count.
        source = _fit(len(chosen) + 1, item, left, count_tokens, must=not chosen)
        if source is None:
            continue
        chosen.append(source)
        parents.add(item.evidence.parent_id)
        left -= source.tokens
    return tuple(chosen)


def _fit(n: int, item: Found, left: int, count_tokens: Callable[[str], int], *, must: bool) -> Source | None:
    evidence = item.evidence
    parent_tokens = count_tokens(evidence.parent_content)
    if parent_tokens <= left:
        return Source(
            n, evidence, item.scores.deciding, evidence.parent_content, "", evidence.parent_start, parent_tokens
        )
    if evidence.token_count <= left or must:
        text = evidence.content[len(evidence.prefix) :]
        return Source(
            n, evidence, item.scores.deciding, text, evidence.prefix, evidence.char_start, evidence.token_count
        )
    return None


def best_at_the_ends(sources: Sequence[Source]) -> list[Source]:
    """The order of reading: best first, second best last, the weakest in the middle.

    Models use the beginning and the end of a long context best (Liu et al., "Lost in the Middle", TACL 2024).
    """
    return [*sources[0::2], *reversed(sources[1::2])]
