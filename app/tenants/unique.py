"""Names that may be taken: what the database says about them, as a conflict people understand."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy.exc import IntegrityError

from app.kit.database import Session
from app.kit.errors import Conflict


@asynccontextmanager
async def taken_is(session: Session, conflict: Conflict) -> AsyncGenerator[None]:
    """Write what the body changed; raise ``conflict`` where a unique name is already in use.

    The database decides, not a look beforehand: two requests may come at once. The transaction is lost then.
    """
    try:
        yield
        await session.flush()
    except IntegrityError as fault:
        raise conflict from fault
