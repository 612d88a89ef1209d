"""A list of messages as a question, the turns before it, and the wishes of whoever calls.

The last message is the question. Earlier turns serve this one answer, for rewriting the question and as the model's
memory, and are not stored: a client sends the whole conversation every time, and each time only question and answer
become a chat of their own.

System messages are the calling application's wishes. They are added to the bot's own instructions, as wishes that may
not contradict anything else there: the operator's prompt and the rules about sources keep the upper hand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from app.bots.service import BotProfile
from app.chat.conversation import REMEMBERED
from app.chat.prompt import DEFAULT_INSTRUCTIONS, PastTurn
from app.kit.errors import Invalid
from app.protocols.openai.schemas import CompletionRequest, Question, TurnMessage

REMEMBERED_CHARS = 24_000
"""How much of the conversation is remembered at most, newest turns first."""
WISHES_CHARS = 8_000
SPEAKERS = frozenset({"user", "assistant"})

WISHES = (
    "{instructions}\n\n"
    "The application through which the question comes has wishes of its own, quoted below. Follow them where they do "
    "not contradict anything else you are told here:\n{wishes}"
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a request asks, and how."""

    question: str
    history: tuple[PastTurn, ...]
    wishes: str
    temperature: float | None
    max_tokens: int | None

    def adapt(self, bot: BotProfile) -> BotProfile:
        """The bot as it answers this request: cooler or warmer, never longer than its own limit."""
        limits = [limit for limit in (bot.max_tokens, self.max_tokens) if limit is not None]
        return replace(
            bot,
            system_prompt=self._instructions(bot),
            temperature=bot.temperature if self.temperature is None else self.temperature,
            max_tokens=min(limits, default=None),
        )

    def _instructions(self, bot: BotProfile) -> str | None:
        if not self.wishes:
            return bot.system_prompt
        return WISHES.format(instructions=bot.system_prompt or DEFAULT_INSTRUCTIONS, wishes=self.wishes)


def conversation_of(request: CompletionRequest) -> Conversation:
    """Read the messages. Raises Invalid where the last one is not a question that can be answered."""
    spoken = [message for message in request.messages if message.role in SPEAKERS]
    wishes = "\n\n".join(message.content for message in request.messages if message.role not in SPEAKERS).strip()
    if len(wishes) > WISHES_CHARS:
        raise Invalid.field("messages", f"hold system messages of more than {WISHES_CHARS:,} characters")
    if not spoken or spoken[-1].role != "user":
        raise Invalid.field("messages", "must end with the user's question")
    limit = request.max_completion_tokens or request.max_tokens
    return Conversation(_question(spoken[-1]), _remembered(spoken[:-1]), wishes, request.temperature, limit)


def _question(message: TurnMessage) -> str:
    try:
        return Question(content=message.content).content
    except ValidationError as fault:
        reason = fault.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise Invalid.field("messages", f"end with a question that cannot be asked: {reason}") from fault


def _remembered(messages: Sequence[TurnMessage]) -> tuple[PastTurn, ...]:
    """The newest turns, oldest first, as far as they fit."""
    kept: list[PastTurn] = []
    left = REMEMBERED_CHARS
    for turn in reversed(list(_turns(messages))):
        left -= len(turn.question) + len(turn.answer)
        if left < 0 or len(kept) == REMEMBERED:
            break
        kept.append(turn)
    return tuple(reversed(kept))


def _turns(messages: Iterable[TurnMessage]) -> Iterable[PastTurn]:
    """Each answered question; several messages of one side in a row are one turn."""
    question: list[str] = []
    answer: list[str] = []
    for message in messages:
        if message.role == "user" and answer:
            if question:
                yield PastTurn("\n".join(question), "\n".join(answer))
            question, answer = [], []
        if message.content.strip():
            (question if message.role == "user" else answer).append(message.content)
    if question and answer:
        yield PastTurn("\n".join(question), "\n".join(answer))
