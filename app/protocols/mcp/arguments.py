"""What the tools take. Agents read the descriptions, so these say when to use what."""

from typing import Annotated

from pydantic import Field

from app.chat.schemas import MessageText
from app.kit.schema import Schema
from app.knowledge.schemas import Title


class SearchArguments(Schema):
    """Find passages of the documents, without an answer."""

    query: Annotated[MessageText, Field(max_length=8000, description="What to look for, in plain words")]
    limit: Annotated[int, Field(ge=1, le=100, description="How many passages at most")] = 10


class AskArguments(Schema):
    """Ask a bot; the answer comes with citations."""

    message: Annotated[MessageText, Field(description="The question")]
    bot_id: Annotated[str | None, Field(description="Which bot; the default one when left out")] = None
    chat_id: Annotated[str | None, Field(description="The chat to go on with; a new one when left out")] = None


class ListSourcesArguments(Schema):
    """Nothing."""


class AddTextArguments(Schema):
    """Teach a text."""

    title: Annotated[Title, Field(description="What people will call it")]
    content: Annotated[str, Field(min_length=1, description="The text itself; Markdown headings are understood")]
