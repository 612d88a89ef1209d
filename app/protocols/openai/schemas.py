"""Requests and answers in OpenAI's words, as far as they mean something here.

Reference: https://platform.openai.com/docs/api-reference (chat completions, models, embeddings).
"""

from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from app.chat.schemas import MessageText
from app.kit.schema import ExternalId, Metadata, NoNul, Schema

ModelName = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200_000), NoNul]


def _joined(content: object) -> object:
    """The text of a message's content, whose parts may be text and nothing else."""
    if content is None:
        return ""
    if not isinstance(content, list):
        return content
    return "\n".join(_part(part) for part in cast(list[object], content))


def _part(part: object) -> str:
    fields = cast(dict[str, object], part) if isinstance(part, dict) else {}
    kind = str(fields.get("type"))
    text = fields.get(kind) if kind in {"text", "refusal"} else None
    if not isinstance(text, str):
        raise ValueError(f"holds a part of the type '{kind}'; only text is understood")  # Pydantic's way.
    return text


Content = Annotated[
    str,
    StringConstraints(max_length=200_000),
    NoNul,
    BeforeValidator(_joined),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["type", "text"],
                        "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
                    },
                },
                {"type": "null"},
            ]
        }
    ),
]
"""A text, or a list of texts."""


class TurnMessage(Schema):
    """One message of the conversation; ``name`` and what tools would add are taken and not used."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant"]
    content: Content = ""


class StreamOptions(Schema):
    """What a stream tells beside the text."""

    model_config = ConfigDict(extra="ignore")

    include_usage: bool | None = None


class CompletionRequest(Schema):
    """A question to a bot, with the conversation before it.

    Other parameters of OpenAI's are accepted where they ask for what happens anyway, like ``n: 1``, and refused
    otherwise.
    """

    model_config = ConfigDict(extra="allow")

    model: Annotated[ModelName, Field(description="A bot's id, or its name")]
    messages: Annotated[list[TurnMessage], Field(min_length=1, max_length=2000)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    user: Annotated[ExternalId, StringConstraints(max_length=256)] | None = None
    metadata: Metadata | None = None


class Question(Schema):
    """The last message, which is what is asked."""

    content: MessageText


class AnswerMessage(Schema):
    """The answer; ``citations`` are the same as in ``POST /v1/chat``."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    citations: list[dict[str, Any]]


class Choice(Schema):
    """The only choice there is."""

    index: Literal[0] = 0
    message: AnswerMessage
    logprobs: None = None
    finish_reason: Literal["stop", "length"]


class TokenUsage(Schema):
    """Tokens of the chat model; zero where none was asked."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completion(Schema):
    """A whole answer. ``chat_id`` and ``message_id`` lead to it in the rest of the API."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: TokenUsage
    chat_id: str
    message_id: str


class ModelView(Schema):
    """A bot as a model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["minirag"] = "minirag"
    name: str


class ModelList(Schema):
    """Every bot the caller may use."""

    object: Literal["list"] = "list"
    data: list[ModelView]


class EmbeddingRequest(Schema):
    """Texts to embed. ``input_type`` says what for, to models that tell questions from documents."""

    model: ModelName
    input: Text | Annotated[list[Text], Field(min_length=1, max_length=2048)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int, Field(ge=1)] | None = None
    input_type: Literal["query", "document"] = "document"
    user: Annotated[ExternalId, StringConstraints(max_length=256)] | None = None

    @property
    def texts(self) -> list[str]:
        """The texts, one or several."""
        return [self.input] if isinstance(self.input, str) else list(self.input)


class EmbeddingView(Schema):
    """One vector: numbers, or their bytes (float32, little endian) in base64."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingUsage(Schema):
    """Tokens the embedding model read."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(Schema):
    """The vectors, in the order of the texts."""

    object: Literal["list"] = "list"
    data: list[EmbeddingView]
    model: str
    usage: EmbeddingUsage
