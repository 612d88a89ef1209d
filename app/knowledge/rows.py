"""Reading columns: the type checker cannot tell what ``owned_columns`` selects, so its rows are ``Any`` from here on.

Whoever calls says in the next line what the columns are.
"""

from typing import Any, cast

from app.kit.database import Session


async def all_of(session: Session, columns: Any) -> list[Any]:
    """Every row of a query over columns; plain values where it selects one column."""
    return list(cast("Any", await session.exec(columns)).all())


async def first_of(session: Session, columns: Any) -> Any:
    """The first row of a query over columns (a plain value where it selects one column), or None."""
    return cast("Any", await session.exec(columns)).first()
