"""The direct road to servers that speak OpenAI's embeddings protocol.

Protocol: https://platform.openai.com/docs/api-reference/embeddings. ``float`` is asked for because not every
compatible server knows OpenAI's default of base64.
"""

from collections.abc import Sequence

import msgspec

from app.adapters.embedder.answers import decoded, embeddings_of
from app.adapters.embedder.port import Embeddings
from app.adapters.openai_address import openai_headers, openai_url
from app.adapters.provider_errors import error_in_body
from app.adapters.provider_http import ProviderHttp
from app.kit.errors import ProviderError
from app.kit.models import ModelEndpoint


class _Item(msgspec.Struct):
    embedding: list[float]
    index: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None


class _Answer(msgspec.Struct):
    data: list[_Item]
    usage: _Usage | None = None


_decoder = msgspec.json.Decoder(_Answer)
_encoder = msgspec.json.Encoder()


async def embed_by_openai(http: ProviderHttp, endpoint: ModelEndpoint, texts: Sequence[str]) -> Embeddings:
    """Embed a slice of texts by one request. Raises ProviderError and its kin; the caller sets the deadline."""
    request = {"model": endpoint.model.removeprefix("openai/"), "input": texts, "encoding_format": "float"}
    url = openai_url(endpoint, "embeddings")
    body = await http.post(endpoint, url, openai_headers(endpoint), _encoder.encode(request))
    try:
        answer = await decoded(_decoder.decode, body)
    except msgspec.DecodeError as error:
        reported = error_in_body(endpoint, body)
        raise reported or ProviderError(f"{endpoint.model}: the provider's answer holds no embeddings.") from error
    items = sorted(answer.data, key=lambda item: item.index or 0)  # The protocol promises an index, not an order.
    tokens = answer.usage.prompt_tokens if answer.usage else None
    return embeddings_of(endpoint, [item.embedding for item in items], texts, tokens)
