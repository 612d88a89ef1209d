"""Addresses of models with their secrets opened, for the flows that call them."""

from uuid import UUID

from app.kit.database import Session
from app.kit.models import ModelEndpoint
from app.kit.sealing import Sealer
from app.tenants.credentials import endpoint_for


class EndpointResolver:
    """``endpoint_for`` with the sealer at hand."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def resolve(
        self, session: Session, tenant_id: UUID, model: str, credential_id: UUID | None, api_base: str | None = None
    ) -> ModelEndpoint:
        """How to reach ``model``. Raises what ``endpoint_for`` raises."""
        return await endpoint_for(session, tenant_id, self._sealer, model, credential_id, api_base)
