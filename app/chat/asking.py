"""What happens between a request and its answer: load the bot, claim the key, store the question, start the task."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.bots.service import EXTRACTIVE, BotProfile, load_profile
from app.chat.answer import Answer
from app.chat.conversation import Asked, Begun, begin
from app.chat.models import Message
from app.chat.streams import Answers
from app.chat.visibility import Reader, require_visible
from app.kit.database import Database, Session
from app.kit.errors import Conflict, Limited, NotFound
from app.kit.ids import parse_id
from app.kit.ownership import get_owned
from app.tenants import idempotency
from app.usage.admission import Admission, Admitted

ROUTE = "chat"
FRAME_TOKENS = 500
"""What the prompt's own words may take."""
USUAL_ANSWER_TOKENS = 1500
"""What is set aside for an answer whose bot has no ``max_tokens``."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question as a door received it, ids still as text.

    ``bot_ids`` narrows which bots the caller may use; ``own_only`` lets it go on only with chats its token began.
    """

    tenant_id: UUID
    message: str
    bot_id: str | None = None
    chat_id: str | None = None
    end_user: str | None = None
    token_id: UUID | None = None
    bot_ids: frozenset[UUID] | None = None
    own_only: bool = False
    metadata: dict[str, Any] | None = None
    debug: bool = False
    use_cache: bool = True
    request_id: str = ""
    idempotency_key: str | None = None
    body_digest: str = ""

    @property
    def reader(self) -> Reader:
        """What the caller may see of other questions."""
        return Reader(self.tenant_id, self.bot_ids, self.token_id if self.own_only else None)


class Asker:
    """Starts answers, for every door."""

    def __init__(self, database: Database, answers: Answers, admission: Admission) -> None:
        self._database = database
        self._answers = answers
        self._admission = admission

    def starting(self, answers: Answers) -> "Asker":
        """The same way in, for a door that prepares answers before it starts them."""
        return Asker(self._database, answers, self._admission)

    async def ask(self, ask: Ask) -> UUID:
        """Store the question and start its answer; the answer's message id, to follow it by.

        A repeated ``Idempotency-Key`` gives the first request's message and starts nothing. Raises NotFound for a bot
        or chat that is not the caller's, Conflict for a key whose first request has not got this far yet, and Limited
        where a rate or a quota is used up: nothing is stored then.
        """
        admitted = await self._admit(ask)
        started = False
        try:
            begun = await self._begin(ask, admitted)
            if isinstance(begun, UUID):
                return begun
            await self._answers.start(begun)
            started = True
            return begun.begun.message_id
        finally:
            if not started and isinstance(admitted, Admitted):
                admitted.place.release()

    async def _admit(self, ask: Ask) -> Admitted | Limited:
        """The admission, or the refusal, which a repeated request does not mind: it starts nothing."""
        try:
            return await self._admission.admit_answer(ask.tenant_id)
        except Limited as refusal:
            if ask.idempotency_key is None:
                raise
            return refusal

    async def _begin(self, ask: Ask, admitted: Admitted | Limited) -> UUID | Answer:
        async with self._database.transaction(ask.tenant_id) as session:
            repeated = await self._claim(session, ask)
            if isinstance(repeated, UUID):
                first = await get_owned(session, ask.tenant_id, Message, repeated)
                await require_visible(session, ask.reader, first.chat_id)
                return repeated
            if isinstance(admitted, Limited):
                raise admitted
            bot = await load_allowed_bot(session, ask)
            chat_id = None if ask.chat_id is None else parse_id(ask.chat_id)
            if chat_id is not None:
                await require_visible(session, ask.reader, chat_id)
            asked = Asked(ask.tenant_id, bot.id, ask.message, chat_id, ask.end_user, ask.token_id, ask.metadata)
            begun = await begin(session, asked)
            if admitted.reserves:
                most = _most_tokens(bot, asked, begun)
                await self._admission.reserve(session, ask.tenant_id, begun.message_id, bot.model, *most)
            await self._settle(session, ask, repeated, begun)
        return Answer(asked, begun, bot, ask.request_id, ask.debug, ask.use_cache, place=admitted.place)

    async def _claim(self, session: Session, ask: Ask) -> "UUID | idempotency.Claim | None":
        if ask.idempotency_key is None:
            return None
        claim = await idempotency.claim(session, ask.tenant_id, ROUTE, ask.idempotency_key, ask.body_digest)
        if claim.outcome is idempotency.Outcome.IN_PROGRESS:
            raise Conflict("The first request with this Idempotency-Key is still being handled; repeat it in a moment.")
        return UUID(claim.response["message_id"]) if claim.response is not None else claim

    async def _settle(self, session: Session, ask: Ask, claim: "idempotency.Claim | None", begun: Begun) -> None:
        if claim is not None:
            await idempotency.settle(session, ask.tenant_id, claim.id, 200, {"message_id": str(begun.message_id)})


def _most_tokens(bot: BotProfile, asked: Asked, begun: Begun) -> tuple[int, int]:
    """The most an answer may use of a model, as far as can be known before: tokens of prompt and of completion.

    One token for each character said so far is ample: it covers the rewriting, which reads the same again, and
    languages that need a token for every letter.
    """
    if bot.model == EXTRACTIVE:
        return 0, 0
    said = len(asked.message) + sum(len(turn.question) + len(turn.answer) for turn in begun.history)
    prompt = bot.retrieval.context_tokens + len(bot.system_prompt or "") + said + FRAME_TOKENS
    return prompt, bot.max_tokens or USUAL_ANSWER_TOKENS


async def load_allowed_bot(session: Session, ask: Ask) -> BotProfile:
    """The bot that is asked, or the caller's only one, or the default. Raises NotFound for one that is not allowed."""
    named = ask.bot_id
    if named is None and ask.bot_ids is not None and len(ask.bot_ids) == 1:
        named = str(next(iter(ask.bot_ids)))
    bot = await load_profile(session, ask.tenant_id, named)
    if ask.bot_ids is not None and bot.id not in ask.bot_ids:
        raise NotFound("There is no bot with this id.")
    return bot
