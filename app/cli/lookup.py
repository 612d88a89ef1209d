"""Finding a thing by the name people call it."""

import re
from typing import TYPE_CHECKING

from app.cli.complaints import Complaint

if TYPE_CHECKING:  # httpx is loaded by the command that needs it.
    from app.cli.api import Api

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def knowledge_base_id(api: "Api", name_or_id: str) -> str:
    """The id of a knowledge base. Raises Complaint when the name fits none or several."""
    return _find(api, "/v1/knowledge-bases", name_or_id, "knowledge base")


def bot_id(api: "Api", name_or_id: str) -> str:
    """The id of a bot. Raises Complaint when the name fits none or several."""
    return _find(api, "/v1/bots", name_or_id, "bot")


def _find(api: "Api", path: str, name_or_id: str, kind: str) -> str:
    if _ID.fullmatch(name_or_id):
        return name_or_id
    known = list(api.items(path))
    ids = [str(item["id"]) for item in known if str(item["name"]).casefold() == name_or_id.casefold()]
    if len(ids) == 1:
        return ids[0]
    if ids:
        raise Complaint(f"{len(ids)} {kind}s are called {name_or_id!r}; name one by its id: {', '.join(ids)}")
    names = ", ".join(str(item["name"]) for item in known) or "none"
    raise Complaint(f"There is no {kind} called {name_or_id!r}; there is: {names}.")
