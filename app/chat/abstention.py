"""What is said when the documents do not answer: why, kindly, and what to try next."""

from app.bots.policies import AbstainPolicy
from app.chat.events import Abstained
from app.retrieval.evidence import Retrieved

NOTHING = "I found nothing about this in the documents."
WEAK = "The documents do not seem to answer this."
SUGGEST_OTHER_WORDS = "Try other words, or name the product, document or topic you mean."
SUGGEST_NEAREST = "The nearest thing they cover is “{title}”. Ask about that, or put the question in other words."


def abstention(retrieved: Retrieved, policy: AbstainPolicy) -> Abstained | None:
    """The refusal that the judgement calls for, or None when there is enough to answer from."""
    judgement = retrieved.judgement
    if not retrieved.found:
        return Abstained("no_results", policy.message or NOTHING, SUGGEST_OTHER_WORDS)
    if not judgement.would_abstain:
        return None
    nearest = retrieved.found[0].evidence
    title = nearest.heading_path[-1] if nearest.heading_path else nearest.title
    return Abstained("weak_evidence", policy.message or WEAK, SUGGEST_NEAREST.format(title=title))
