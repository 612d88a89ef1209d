"""``POST /v1/search``: evidence without an answer."""

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.http.access import needs
from app.http.docs import problems
from app.http.principal import Principal, Scope
from app.kit.database import Database
from app.retrieval.admitting import admit_search
from app.retrieval.retriever import Retriever
from app.retrieval.schemas import SearchRequest, SearchResponse
from app.retrieval.service import Searching, find
from app.usage.admission import Admission
from app.usage.ledger import Ledger


@post(
    "/v1/search",
    status_code=200,
    guards=[needs(Scope.SEARCH)],
    tags=["Search"],
    responses=problems(400, 401, 403, 404, 413, 415, 422, 429, 502, 503, 504),
)
async def search(
    data: JSONBody[SearchRequest],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    retriever: NamedDependency[Retriever],
    ledger: NamedDependency[Ledger],
    admission: NamedDependency[Admission],
) -> SearchResponse:
    """Find the passages that answer a question best, with every judge's score."""
    await admit_search(admission, principal.tenant, data)
    return await find(database, retriever, ledger, Searching(principal.tenant, principal.token_id), data)


ROUTES = (search,)
