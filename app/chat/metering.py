"""What an answer cost: its ``usage`` event, and its lines in the ledger, one for it and one per model it used."""

from dataclasses import replace
from decimal import Decimal

from app.chat.answer import Answer
from app.chat.events import CacheUse, Metered
from app.kit.schema import money_to_wire
from app.usage.ledger import Ledger, Use
from app.usage.models import UsageKind


class Meter:
    """Prices an answer once it has ended."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def measure(self, answer: Answer) -> tuple[list[Use], Metered]:
        """The ledger's lines and the ``usage`` event; both say the same."""
        used, hit = answer.used, answer.memory.hit
        # A follow-up may be found only after a model has rewritten it: what that used is a chat's, and is paid for.
        kind = UsageKind.CHAT if hit is None or used.prompt_tokens else UsageKind.CACHE_HIT
        chat = self._use(answer, kind, answer.bot.model, used.prompt_tokens, used.completion_tokens)
        embeddings = [
            self._use(answer, UsageKind.EMBEDDING, model, embedding_tokens=tokens)
            for model, tokens in used.embedding_tokens.items()
            if tokens
        ]
        uses = [chat, *embeddings, *self._reranking(answer)]
        cost = sum((self._ledger.cost_of(use)[0] for use in uses), Decimal(0))
        metered = Metered(
            model=answer.bot.model,
            prompt_tokens=used.prompt_tokens,
            completion_tokens=used.completion_tokens,
            embedding_tokens=sum(used.embedding_tokens.values()),
            cost_usd=money_to_wire(cost),
            estimated=any(use.estimated for use in uses),
            cache=CacheUse() if hit is None else CacheUse(True, hit.type, hit.similarity),
            timings_ms=timings(answer),
        )
        return uses, metered

    def _reranking(self, answer: Answer) -> list[Use]:
        used = answer.used.reranked
        if used is None:
            return []
        use = self._use(answer, UsageKind.RERANK, used.model, prompt_tokens=used.tokens)
        return [replace(use, estimated=used.estimated)]

    def _use(
        self,
        answer: Answer,
        kind: UsageKind,
        model: str,
        prompt_tokens: int = 0,
        completion_tokens: int = 0,
        embedding_tokens: int = 0,
    ) -> Use:
        asked, begun = answer.asked, answer.begun
        return Use(
            once=f"{kind.value}:{begun.message_id}:{model}",
            kind=kind,
            model=model,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            embedding_tokens=embedding_tokens,
            estimated=answer.used.estimated and kind is UsageKind.CHAT,
            bot_id=asked.bot_id,
            chat_id=begun.chat_id,
            message_id=begun.message_id,
            token_id=asked.token_id,
            end_user=asked.end_user,
        )


def timings(answer: Answer) -> dict[str, float]:
    """Milliseconds of the answer's stages; ``first_token`` is the whole time where no text came."""
    total = answer.watch.elapsed_ms()
    return {
        "rewrite": answer.watch.timings_ms.get("rewrite", 0.0),
        "retrieve": answer.watch.timings_ms.get("retrieve", 0.0),
        "first_token": total if answer.first_token_ms is None else answer.first_token_ms,
        "total": total,
    }
