"""Bots as models: which there are, and which one a client means."""

from collections.abc import Sequence

from sqlmodel import col
from sqlmodel.sql.expression import SelectOfScalar

from app.bots.models import Bot
from app.http.principal import Principal
from app.kit.database import Session
from app.kit.errors import NotFound
from app.kit.ids import parse_id
from app.kit.ownership import owned_by
from app.kit.text import is_printable_name
from app.protocols.openai.errors import ModelAmbiguous, ModelUnknown
from app.protocols.openai.schemas import ModelView

LISTED = 1000
"""Models in a list, which has no pages in this protocol."""


async def bots_of(session: Session, principal: Principal) -> list[Bot]:
    """The bots the caller may use, newest first."""
    query = _allowed(principal).order_by(col(Bot.id).desc()).limit(LISTED)
    return list((await session.exec(query)).all())


async def find_bot(session: Session, principal: Principal, model: str) -> Bot:
    """The bot with this id, or else with this name.

    Raises ModelUnknown, and ModelAmbiguous where several of the caller's bots bear the name.
    """
    found = await _found(session, principal, model)
    if not found:
        raise ModelUnknown(f"The model '{model}' does not exist: models are bots here, by name or by id.")
    if len(found) > 1:
        raise ModelAmbiguous(f"Several bots are called '{model}'; name one by its id.")
    return found[0]


async def _found(session: Session, principal: Principal, model: str) -> Sequence[Bot]:
    if not is_printable_name(model):  # PostgreSQL takes no NUL, not even to say that there is no such thing.
        return ()
    try:
        condition = col(Bot.id) == parse_id(model)
    except NotFound:
        condition = col(Bot.name) == model
    return (await session.exec(_allowed(principal).where(condition).limit(2))).all()


def model_view(bot: Bot) -> ModelView:
    """A bot as a model."""
    return ModelView(id=str(bot.id), created=int(bot.created_at.timestamp()), name=bot.name)


def _allowed(principal: Principal) -> SelectOfScalar[Bot]:
    query = owned_by(principal.tenant, Bot)
    return query if principal.bot_ids is None else query.where(col(Bot.id).in_(principal.bot_ids))
