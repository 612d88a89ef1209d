"""Letting a chunk begin a little earlier, at a sentence of the chunk before it."""

from app.chunking.groups import Group
from app.chunking.policy import ChunkingPolicy
from app.chunking.units import CountTokens
from app.kit.sentences import sentence_spans


def overlapped(
    text: str, previous: Group | None, group: Group, policy: ChunkingPolicy, count_tokens: CountTokens
) -> int:
    """Where ``group`` begins when it repeats up to ``overlap_tokens`` of ``previous``, its parent's group before it.

    Only whole sentences are repeated, and none in front of a table row: a row that is repeated is a row counted twice.
    """
    if policy.overlap_tokens == 0 or previous is None or group.units[0].row or previous.units[-1].row:
        return group.start
    per_token = max(1.0, (previous.end - previous.start) / max(1, previous.tokens))
    earliest = max(previous.start, group.start - int(policy.overlap_tokens * per_token))
    for start, _ in sentence_spans(text[previous.start : group.start]):
        at = previous.start + start
        if at >= earliest and start > 0:
            return at if count_tokens(text[at : group.end]) <= policy.max_tokens else group.start
    return group.start
