"""The direct road to Ollama's ``/api/embed``.

Protocol: https://github.com/ollama/ollama/blob/main/docs/api.md#generate-embeddings.
"""

from collections.abc import Sequence

import msgspec

from app.adapters.embedder.answers import decoded, embeddings_of
from app.adapters.embedder.port import Embeddings
from app.adapters.ollama_address import ollama_headers, ollama_model, ollama_url
from app.adapters.provider_errors import error_in_body
from app.adapters.provider_http import ProviderHttp
from app.kit.errors import ProviderError
from app.kit.models import ModelEndpoint


class _Answer(msgspec.Struct):
    embeddings: list[list[float]]
    prompt_eval_count: int | None = None


_decoder = msgspec.json.Decoder(_Answer)
_encoder = msgspec.json.Encoder()


async def embed_by_ollama(http: ProviderHttp, endpoint: ModelEndpoint, texts: Sequence[str]) -> Embeddings:
    """Embed a slice of texts by one request. Raises ProviderError and its kin; the caller sets the deadline."""
    request = _encoder.encode({"model": ollama_model(endpoint), "input": texts, "truncate": True})
    body = await http.post(endpoint, ollama_url(endpoint, "api/embed"), ollama_headers(endpoint), request)
    try:
        answer = await decoded(_decoder.decode, body)
    except msgspec.DecodeError as error:
        reported = error_in_body(endpoint, body)
        raise reported or ProviderError(f"{endpoint.model}: the provider's answer holds no embeddings.") from error
    return embeddings_of(endpoint, answer.embeddings, texts, answer.prompt_eval_count)
