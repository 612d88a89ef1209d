"""When tokens were last used: told to the database now and then, never by the request that used one."""

import asyncio
import time
from collections import defaultdict
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlmodel import col

from app.kit.clock import now
from app.kit.database import EVERY_TENANT, Database
from app.kit.ownership import owned_update
from app.tenants.models import ApiToken

PRECISION_S: Final = 60.0
"""A token's use is written at most this often."""
GATHER_S: Final = 0.5
"""How long uses are gathered before they are written together."""
_RETRY_S: Final = 5.0

log = structlog.get_logger(__name__)


class LastUsed:
    """Collects uses in memory; ``run`` (one task of the process, owned by the runtime) writes them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written: dict[UUID, float] = {}
        self._pending: defaultdict[UUID, dict[UUID, datetime]] = defaultdict(dict)
        self._news = asyncio.Event()

    def note(self, tenant_id: UUID, token_id: UUID) -> None:
        """This token was used just now. Costs nothing while an earlier use is recent enough."""
        if time.monotonic() - self._written.get(token_id, -PRECISION_S) < PRECISION_S:
            return
        self._written[token_id] = time.monotonic()
        self._pending[tenant_id][token_id] = now()
        self._news.set()

    async def run(self) -> None:
        """Write what was noted until cancelled, and once more then."""
        try:
            while True:
                await self._news.wait()
                await asyncio.sleep(GATHER_S)
                if not await self._try_flush():
                    await asyncio.sleep(_RETRY_S)
        finally:
            await asyncio.shield(self._try_flush())

    async def flush(self) -> None:
        """Write all that was noted, in one transaction."""
        pending, self._pending = self._pending, defaultdict(dict)
        self._news.clear()
        if not pending:
            return
        async with self._database.transaction(EVERY_TENANT) as session:
            for tenant_id, uses in pending.items():
                for token_id, moment in uses.items():
                    update = owned_update(tenant_id, ApiToken).where(col(ApiToken.id) == token_id)
                    await session.exec(update.values(last_used_at=moment))
        self._forget_old()

    async def _try_flush(self) -> bool:
        """A time that is not written is no loss worth an error: the token's next use is noted again."""
        try:
            await self.flush()
        except Exception as fault:  # noqa: BLE001  # Any driver's error; the task must live on.
            self._written.clear()
            log.warning("last_used.not_written", error=type(fault).__name__)
            return False
        return True

    def _forget_old(self) -> None:
        oldest = time.monotonic() - PRECISION_S
        self._written = {token: at for token, at in self._written.items() if at > oldest}
