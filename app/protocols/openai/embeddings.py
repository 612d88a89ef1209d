"""Vectors for whoever asks, from the models the tenant's knowledge bases use, or the one that travels with us."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlmodel import col

from app.adapters.embedder.port import Embedder, Embeddings
from app.http.principal import Principal
from app.kit.database import Database, Session
from app.kit.errors import Invalid
from app.kit.ids import new_id
from app.kit.models import ModelEndpoint
from app.kit.ownership import owned_by
from app.knowledge.model_list import EMBEDDED
from app.knowledge.models import KnowledgeBaseModel
from app.protocols.openai.errors import ModelAmbiguous, ModelUnknown
from app.protocols.openai.schemas import EmbeddingRequest
from app.tenants.endpoints import EndpointResolver
from app.usage.admission import Admission
from app.usage.ledger import Ledger, Use
from app.usage.models import UsageKind


@dataclass(frozen=True, slots=True)
class Chosen:
    """The model a request means, and how to call it."""

    endpoint: ModelEndpoint
    dimension: int


async def choose(session: Session, tenant_id: UUID, endpoints: EndpointResolver, request: EmbeddingRequest) -> Chosen:
    """The model of this name, its provider's prefix left out or not.

    Raises ModelUnknown, ModelAmbiguous where two providers' models bear the name, and Invalid for another width than
    the model has.
    """
    rows = [row for row in await _models(session, tenant_id) if _bears(row.model, request.model)]
    names = {name for name in (*(row.model for row in rows), EMBEDDED.model) if _bears(name, request.model)}
    if request.model in names:
        names = {request.model}
    if not names:
        raise ModelUnknown(f"None of your knowledge bases uses an embedding model '{request.model}'.")
    if len(names) > 1:
        raise ModelAmbiguous(f"'{request.model}' may mean {' or '.join(sorted(names))}; name it whole.")
    (name,) = names
    row = next((row for row in rows if row.model == name), None)
    dimension = EMBEDDED.dimension if row is None else row.dimension
    if request.dimensions not in {None, dimension}:
        raise Invalid.field("dimensions", f"{name} makes vectors of {dimension} numbers, and no others")
    credential_id, api_base = (None, None) if row is None else (row.credential_id, row.api_base)
    return Chosen(await endpoints.resolve(session, tenant_id, name, credential_id, api_base), dimension)


async def admit(admission: Admission, principal: Principal, chosen: Chosen) -> None:
    """Count the request like a search, which embeds as well. Raises Limited."""

    async def costs_something(_: Session) -> bool:
        return chosen.endpoint.model != EMBEDDED.model

    await admission.admit_search(principal.tenant, costs_something)


async def embed(
    embedder: Embedder,
    database: Database,
    ledger: Ledger,
    principal: Principal,
    chosen: Chosen,
    request: EmbeddingRequest,
) -> Embeddings:
    """Embed the texts, and write down what it used. Raises ProviderError and its kin."""
    embeddings = await embedder.embed(chosen.endpoint, request.texts, request.input_type)
    use = Use(
        once=f"embeddings:{new_id()}",
        kind=UsageKind.EMBEDDING,
        model=chosen.endpoint.model,
        embedding_tokens=embeddings.tokens,
        estimated=embeddings.estimated,
        token_id=principal.token_id,
        end_user=request.user,
    )
    async with database.transaction(principal.tenant) as session:
        await ledger.write(session, principal.tenant, use)
    return embeddings


def encode_answer(embeddings: Embeddings, request: EmbeddingRequest) -> bytes:
    """The body of the answer. Milliseconds of work for many texts: call it in a thread."""
    vectors = embeddings.vectors.astype("<f4")
    shown: Sequence[object]
    if request.encoding_format == "base64":
        shown = [base64.b64encode(vector.tobytes()).decode() for vector in vectors]
    else:
        shown = vectors.tolist()
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(shown)]
    usage = {"prompt_tokens": embeddings.tokens, "total_tokens": embeddings.tokens}
    return msgspec.json.encode({"object": "list", "data": data, "model": request.model, "usage": usage})


async def _models(session: Session, tenant_id: UUID) -> list[KnowledgeBaseModel]:
    query = owned_by(tenant_id, KnowledgeBaseModel).order_by(col(KnowledgeBaseModel.id))
    return list((await session.exec(query)).all())


def _bears(model: str, name: str) -> bool:
    return name in {model, model.partition("/")[2]}
