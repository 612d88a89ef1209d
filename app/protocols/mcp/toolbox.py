"""The four tools, for one caller: what each may do is what the caller's token may do at the REST door behind it.

tool           scope             REST
search         search            POST /v1/search
ask            chat              POST /v1/chat
list_sources   search or ingest  GET /v1/sources (titles, which a searcher sees anyway)
add_text       ingest            POST /v1/sources
"""

import asyncio
import time
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col

from app.chat.asking import Ask, Asker
from app.chat.following import Follower
from app.chat.whole import assemble
from app.http.principal import Principal, Scope
from app.ingestion.accepting import Sender, accept
from app.ingestion.deps import IngestionDeps
from app.ingestion.following import load
from app.ingestion.models import ENDED
from app.ingestion.schemas import RunView
from app.ingestion.submissions import FileFields, SourceAccepted, Submission
from app.kit.database import Database
from app.kit.errors import Forbidden
from app.kit.ownership import count_owned, owned_by
from app.knowledge.intake import receive_text
from app.knowledge.models import Source, SourceType
from app.knowledge.schemas import source_view
from app.protocols.mcp.arguments import AddTextArguments, AskArguments, ListSourcesArguments, SearchArguments
from app.protocols.mcp.results import ToolResult, added, answered, found, listed
from app.retrieval.admitting import admit_search
from app.retrieval.retriever import Retriever
from app.retrieval.schemas import SearchRequest
from app.retrieval.service import Searching, find
from app.tenants.idempotency import digest_of
from app.usage.admission import Admission
from app.usage.ledger import Ledger

LISTED = 200
"""Sources in a list, newest first."""
WAIT_S = 10.0
"""How long a text that is being read is waited for, so that what was added can be asked about at once."""
LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class ToolParts:
    """The flows behind the tools."""

    database: Database
    retriever: Retriever
    ledger: Ledger
    admission: Admission
    asker: Asker
    follower: Follower
    ingestion: IngestionDeps


class Toolbox:
    """The tools of one caller, in one request. Each raises Forbidden without its scope, and what its flow raises."""

    def __init__(self, parts: ToolParts, principal: Principal, request_id: str) -> None:
        self._parts = parts
        self._principal = principal
        self.request_id = request_id

    async def search(self, arguments: SearchArguments) -> ToolResult:
        """Passages, best first."""
        self._require(Scope.SEARCH)
        parts, principal = self._parts, self._principal
        request = SearchRequest(query=arguments.query, limit=arguments.limit)
        await admit_search(parts.admission, principal.tenant, request)
        searcher = Searching(principal.tenant, principal.token_id)
        return found(await find(parts.database, parts.retriever, parts.ledger, searcher, request))

    async def ask(self, arguments: AskArguments) -> ToolResult:
        """A cited answer; one that failed is a result that says so."""
        self._require(Scope.CHAT)
        principal = self._principal
        ask = Ask(
            tenant_id=principal.tenant,
            message=arguments.message,
            bot_id=arguments.bot_id,
            chat_id=arguments.chat_id,
            token_id=principal.token_id,
            bot_ids=principal.bot_ids,
            request_id=self.request_id,
        )
        message_id = await self._parts.asker.ask(ask)
        events = self._parts.follower.follow(principal.tenant, message_id, None)
        return answered(assemble([event async for event in events]))

    async def list_sources(self, arguments: ListSourcesArguments) -> ToolResult:
        """The newest sources, and how many there are in all."""
        self._require(Scope.SEARCH, Scope.INGEST)
        tenant_id = self._principal.tenant
        query = owned_by(tenant_id, Source).order_by(col(Source.id).desc()).limit(LISTED)
        async with self._parts.database.reading(tenant_id) as session:
            sources = [source_view(source) for source in (await session.exec(query)).all()]
            return listed(sources, await count_owned(session, tenant_id, Source))

    async def add_text(self, arguments: AddTextArguments) -> ToolResult:
        """A text as a source, once it can be searched, or as far as it has come by then."""
        self._require(Scope.INGEST)
        deps, tenant_id = self._parts.ingestion, self._principal.tenant
        title, content = arguments.title, arguments.content
        received = await receive_text(deps.blobs, tenant_id, content, title, deps.settings.max_upload_bytes)
        submission = Submission(
            SourceType.TEXT, FileFields(title=title), digest_of(title.encode(), received.content_hash.encode())
        )
        answer = await accept(deps, Sender(tenant_id, self._principal.actor), submission, received)
        accepted = SourceAccepted.model_validate(answer.body)
        return added(accepted.source, await self._ended(accepted.run.id))

    async def _ended(self, run_id: UUID) -> RunView:
        """The run once it has ended, or as it is after a while."""
        deadline = time.monotonic() + WAIT_S
        run = await load(self._parts.database, self._principal.tenant, run_id)
        while run.status not in ENDED and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_S)
            run = await load(self._parts.database, self._principal.tenant, run_id)
        return run

    def _require(self, *scopes: Scope) -> None:
        if not any(self._principal.may(scope) for scope in scopes):
            names = " or ".join(f"'{scope.value}'" for scope in scopes)
            raise Forbidden(f"This tool needs a token with the scope {names}.")
