"""Asking with a conversation that came along: in by the way of every door, and prepared before the answer starts."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast
from uuid import UUID

from app.bots.service import BotProfile
from app.chat.answer import Answer
from app.chat.asking import Ask, Asker
from app.chat.prompt import PastTurn
from app.chat.streams import Answers


class _Prepared:
    """Starts an answer with the client's history in the place of the stored one, and the bot as it was asked for."""

    def __init__(
        self, answers: Answers, history: tuple[PastTurn, ...], adapt: Callable[[BotProfile], BotProfile]
    ) -> None:
        self._answers = answers
        self._history = history
        self._adapt = adapt

    async def start(self, answer: Answer) -> None:
        answer.begun = replace(answer.begun, history=self._history)
        answer.bot = self._adapt(answer.bot)
        await self._answers.start(answer)


async def ask_prepared(
    asker: Asker,
    answers: Answers,
    ask: Ask,
    history: tuple[PastTurn, ...],
    adapt: Callable[[BotProfile], BotProfile],
) -> UUID:
    """Store the question and start its answer; the answer's message id. Raises what ``Asker.ask`` raises."""
    prepared = _Prepared(answers, history, adapt)
    return await asker.starting(cast(Answers, prepared)).ask(ask)  # ``start`` is all that asking needs of it.
