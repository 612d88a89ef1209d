"""Every slice's tables in one place: a module forgotten here would look to Alembic like a dropped table."""

from sqlalchemy import MetaData
from sqlmodel import SQLModel

from app.bots import models as bots
from app.chat import models as chat
from app.events import models as events
from app.ingestion import models as ingestion
from app.knowledge import models as knowledge
from app.tenants import models as tenants
from app.usage import models as usage

__all__ = ["METADATA", "bots", "chat", "events", "ingestion", "knowledge", "tenants", "usage"]

METADATA: MetaData = SQLModel.metadata
