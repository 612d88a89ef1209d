"""Parameters that are not honoured: accepted where they ask for what happens anyway, refused plainly otherwise.

honoured   model, messages, stream, stream_options, temperature, max_tokens, max_completion_tokens, user, metadata
hints      seed and the like promise nothing at OpenAI either; they are accepted and change nothing
neutral    a value that asks for nothing special, which many clients always send (``n: 1``, ``tools: []``)
the rest   400, naming the parameter
"""

from collections.abc import Mapping
from typing import Any, Final

from app.kit.errors import Invalid
from app.protocols.openai.schemas import CompletionRequest

HINTS: Final = frozenset(
    {"seed", "service_tier", "store", "prompt_cache_key", "safety_identifier", "parallel_tool_calls"}
)

NEUTRAL: Final[Mapping[str, tuple[object, ...]]] = {
    "n": (1,),
    "top_p": (1,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "stop": ([], ""),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
}


def refuse_unsupported(request: CompletionRequest) -> None:
    """Raise Invalid, naming the parameter, where something is asked for that will not happen."""
    given: dict[str, Any] = request.model_extra or {}
    for name, value in given.items():
        if value is None or name in HINTS:
            continue
        if name not in NEUTRAL:
            raise Invalid.field(name, "is not a parameter known here; leave it out")
        if value not in NEUTRAL[name]:
            raise Invalid.field(name, _only(NEUTRAL[name]))
    if request.stream_options is not None and not request.stream:
        raise Invalid.field("stream_options", "is only for streams: set stream to true")


def _only(accepted: tuple[object, ...]) -> str:
    shown = " or ".join(repr(value) for value in accepted)
    return f"is not supported: leave it out, or send {shown}"
