"""The port to chat models: what goes in, the events that come out, and the promise every road keeps."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal, Protocol

from app.kit.models import ModelEndpoint


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One message of the conversation given to the model."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Completion:
    """A request for one answer. ``None`` leaves a parameter to the provider."""

    endpoint: ModelEndpoint
    turns: tuple[ChatTurn, ...]
    temperature: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A further piece of the answer, never empty outside the roads.

    Inside, a road yields an empty one as a sign of life while a model thinks without speaking.
    """

    text: str


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """Tokens as the provider counts them; ``estimated`` where somebody had to guess."""

    prompt_tokens: int
    completion_tokens: int
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class ModelFinished:
    """The proper end of an answer: the model stopped, or reached the limit of its length."""

    reason: Literal["stop", "length"]


ModelEvent = TextDelta | ModelUsage | ModelFinished


class LanguageModel(Protocol):
    """A chat model.

    ``stream`` yields any number of TextDelta, then ModelUsage where the provider reported it, then exactly one
    ModelFinished. Whatever ends otherwise raises a ProviderError; an answer that is cut never looks finished.
    Use it with ``contextlib.aclosing``: closing it, or cancelling the task, closes the upstream connection at once.
    """

    def stream(self, completion: Completion) -> AsyncGenerator[ModelEvent]:
        """Ask the model. Raises ProviderError and its kin."""
        ...


class Road(Protocol):
    """One way to reach a provider: a single attempt, without deadlines or retries, which ``steady`` adds."""

    def attempt(self, completion: Completion) -> AsyncGenerator[ModelEvent]:
        """Ask once; may yield empty deltas as signs of life."""
        ...
