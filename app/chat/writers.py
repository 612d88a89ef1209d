"""Who writes: the extractive answerer or a chat model, chosen by the bot's model string and nothing else."""

from collections.abc import AsyncGenerator, Callable, Sequence
from uuid import UUID

from app.adapters.llm.port import Completion, LanguageModel, ModelEvent, ModelUsage
from app.bots.service import EXTRACTIVE, BotProfile
from app.chat.answer import Answer
from app.chat.context import Source
from app.chat.extractive import ExtractiveAnswerer
from app.chat.prompt import answer_turns
from app.chat.rewrite import rewrite, rewrite_by_rule
from app.kit.database import Database
from app.kit.models import ModelEndpoint
from app.tenants.endpoints import EndpointResolver


class Writers:
    """Makes the stream of model events for an answer, and the standalone question before it."""

    def __init__(
        self,
        database: Database,
        endpoints: EndpointResolver,
        model: LanguageModel,
        extractive: ExtractiveAnswerer,
        count_tokens: Callable[[str], int],
    ) -> None:
        self._database = database
        self._endpoints = endpoints
        self._model = model
        self._extractive = extractive
        self.count_tokens = count_tokens

    async def standalone(self, answer: Answer) -> str:
        """The question as it is searched for; what the rewriting used is added to the answer's account."""
        question, history = answer.asked.message, answer.begun.history
        if not history or answer.bot.retrieval.rewrite == "off":
            return question
        if answer.bot.model == EXTRACTIVE:
            return rewrite_by_rule(question, history)
        endpoint = await self._endpoint(answer.asked.tenant_id, answer.bot)
        rewritten, used = await rewrite(question, history, self._model, endpoint)
        if used is not None:
            answer.used.prompt_tokens += used.prompt_tokens
            answer.used.completion_tokens += used.completion_tokens
        return rewritten

    async def write(self, answer: Answer, question: str, sources: Sequence[Source]) -> AsyncGenerator[ModelEvent]:
        """The events of the model that writes this answer. Raises ProviderError and its kin, here or in the stream."""
        if answer.bot.model == EXTRACTIVE:
            return self._extractive.answer(question, sources)
        endpoint = await self._endpoint(answer.asked.tenant_id, answer.bot)
        answer.sent_turns = answer_turns(answer.bot.system_prompt, sources, answer.begun.history, answer.asked.message)
        return self._model.stream(
            Completion(endpoint, answer.sent_turns, answer.bot.temperature, answer.bot.max_tokens)
        )

    def settle_tokens(self, answer: Answer, usage: ModelUsage | None) -> None:
        """Add what the model reported, or an estimate where it ended without a report."""
        if usage is not None:
            answer.used.prompt_tokens += usage.prompt_tokens
            answer.used.completion_tokens += usage.completion_tokens
            answer.used.estimated |= usage.estimated
            answer.reported = True
        elif answer.sent_turns and not answer.reported:
            answer.used.prompt_tokens += sum(self.count_tokens(turn.content) for turn in answer.sent_turns)
            answer.used.completion_tokens += self.count_tokens(answer.writer.text)
            answer.used.estimated = True
            answer.reported = True

    async def _endpoint(self, tenant_id: UUID, bot: BotProfile) -> ModelEndpoint:
        async with self._database.reading(tenant_id) as session:
            return await self._endpoints.resolve(session, tenant_id, bot.model, bot.credential_id)
