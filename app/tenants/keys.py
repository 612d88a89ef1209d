"""Sealing every credential anew with the newest key, while the service runs.

Order matters when a key is replaced: first every process gets ``[old, new]``, so that all can read both; then
``[new, old]``, so that all write the new one; then this runs; then the old key may go. Rows under the newest key are
not looked at, so a run that was cut short simply begins again.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlmodel import col, func, select

from app.kit.database import EVERY_TENANT, Database
from app.kit.ownership import owned_update
from app.kit.sealing import SealBroken, Sealed, Sealer
from app.tenants.credentials import context_of
from app.tenants.models import Credential

BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class RotationReport:
    """What a rotation did, or, in a dry run, would do.

    ``resealed`` rows now stand under the newest key; ``changed_meanwhile`` were edited by somebody at that moment (and
    so were sealed with it too, or are left for the next run). ``broken`` names credentials that do not open, with the
    reason. ``by_fingerprint`` counts the rows under each key afterwards: a key that counts none may be dropped.
    """

    dry_run: bool
    resealed: int
    changed_meanwhile: int
    broken: tuple[str, ...]
    by_fingerprint: dict[str, int]


async def rotate(database: Database, sealer: Sealer, dry_run: bool) -> RotationReport:
    """Seal all credentials that stand under an older key with the newest one, a batch at a time.

    A dry run opens every such secret and changes nothing. Raises what the database raises; what was resealed stays.
    """
    done, missed, broken = 0, 0, list[str]()
    after: UUID | None = None
    while batch := await _older(database, sealer.fingerprint, after):
        after = batch[-1].id
        resealed = [(row, sealed) for row in batch if (sealed := _reseal(sealer, row, broken)) is not None]
        written = len(resealed) if dry_run else await _write(database, resealed)
        done += written
        missed += len(resealed) - written
    return RotationReport(dry_run, done, missed, tuple(broken), await _count(database))


async def _older(database: Database, newest: str, after: UUID | None) -> list[Credential]:
    query = select(Credential).where(col(Credential.key_fingerprint) != newest)  # unowned: the operator's keys.
    if after is not None:
        query = query.where(col(Credential.id) > after)
    async with database.reading(EVERY_TENANT) as session:
        return list((await session.exec(query.order_by(col(Credential.id)).limit(BATCH))).all())


def _reseal(sealer: Sealer, row: Credential, broken: list[str]) -> Sealed | None:
    try:
        return sealer.reseal(row.sealed, context_of(row.tenant_id, row.id), row.key_fingerprint)
    except SealBroken as fault:
        broken.append(fault.detail)
        return None


async def _write(database: Database, resealed: list[tuple[Credential, Sealed]]) -> int:
    """Replace each ciphertext that is still the one that was read; the number that were."""
    written = 0
    async with database.transaction(EVERY_TENANT) as session:
        for row, sealed in resealed:
            unchanged = col(Credential.sealed) == row.sealed
            update = owned_update(row.tenant_id, Credential).where(col(Credential.id) == row.id, unchanged)
            result = await session.exec(update.values(sealed=sealed.token, key_fingerprint=sealed.fingerprint))
            written += result.rowcount
    return written


async def _count(database: Database) -> dict[str, int]:
    fingerprint = col(Credential.key_fingerprint)
    query = select(fingerprint, func.count()).group_by(fingerprint)  # unowned: counts, for the operator's keys.
    async with database.reading(EVERY_TENANT) as session:
        return dict((await session.exec(query)).all())
