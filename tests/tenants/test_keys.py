"""Replacing the key that seals credentials, in steps and while they are being edited."""

from uuid import UUID

from cryptography.fernet import Fernet

from app.kit.sealing import Sealer, fingerprint_of
from app.tenants import keys
from app.tenants.credentials import CredentialChange, CredentialDraft, add_credential, change_credential, endpoint_for
from tests.support.house import House, Office
from tests.tenants.doors import statements, tenant_id

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
BEFORE, BOTH, AFTER = Sealer([OLD]), Sealer([NEW, OLD]), Sealer([NEW])


async def sealed_under_the_old_key(office: Office, count: int) -> list[UUID]:
    ids: list[UUID] = []
    async with office.house.runtime.database.transaction(tenant_id(office)) as session:
        for number in range(count):
            draft = CredentialDraft(f"credential {number}", "openai", f"sk-secret-{number}", extra={"n": str(number)})
            ids.append((await add_credential(session, tenant_id(office), draft, BEFORE)).id)
    return ids


async def opens(office: Office, credential_id: UUID, sealer: Sealer) -> str | None:
    async with office.house.runtime.database.reading(tenant_id(office)) as session:
        return (await endpoint_for(session, tenant_id(office), sealer, "m", credential_id, None)).api_key


async def test_a_dry_run_counts_and_changes_nothing(house: House) -> None:
    office = await house.tenant()
    ids = await sealed_under_the_old_key(office, 3)
    report = await keys.rotate(house.runtime.database, BOTH, dry_run=True)
    assert (report.resealed, report.broken) == (3, ())
    assert report.by_fingerprint == {fingerprint_of(OLD): 3}
    assert await opens(office, ids[0], BEFORE) == "sk-secret-0"


async def test_a_rotation_reseals_every_tenants_rows_in_batches(any_house: House) -> None:
    offices = [await any_house.tenant(name) for name in ("One", "Two")]
    ids = [await sealed_under_the_old_key(office, keys.BATCH // 2 + 3) for office in offices]
    report = await keys.rotate(any_house.runtime.database, BOTH, dry_run=False)
    total = sum(len(part) for part in ids)
    assert (report.resealed, report.changed_meanwhile, report.broken) == (total, 0, ())
    assert report.by_fingerprint[fingerprint_of(NEW)] >= total
    assert fingerprint_of(OLD) not in report.by_fingerprint
    for office, part in zip(offices, ids, strict=True):
        assert await opens(office, part[-1], AFTER) == f"sk-secret-{len(part) - 1}"


async def test_a_rotation_that_was_cut_short_goes_on_where_it_stopped(house: House) -> None:
    office = await house.tenant()
    ids = await sealed_under_the_old_key(office, 4)
    async with house.runtime.database.transaction(tenant_id(office)) as session:
        change = CredentialChange(api_key="sk-edited")
        for credential_id in ids[:2]:
            await change_credential(session, tenant_id(office), credential_id, change, BOTH)
    report = await keys.rotate(house.runtime.database, BOTH, dry_run=False)
    assert (report.resealed, report.by_fingerprint) == (2, {fingerprint_of(NEW): 4})
    with statements(house.runtime.database) as asked:
        again = await keys.rotate(house.runtime.database, BOTH, dry_run=False)
    assert again.resealed == 0
    assert not [statement for statement in asked if statement.startswith("UPDATE")]


async def test_an_edit_at_that_moment_wins(house: House) -> None:
    office = await house.tenant()
    (credential_id,) = await sealed_under_the_old_key(office, 1)
    database = house.runtime.database
    read = await keys._older(database, BOTH.fingerprint, None)
    async with database.transaction(tenant_id(office)) as session:
        await change_credential(session, tenant_id(office), credential_id, CredentialChange(api_key="sk-edited"), BOTH)
    stale = BOTH.reseal(read[0].sealed, keys.context_of(read[0].tenant_id, read[0].id), read[0].key_fingerprint)
    assert await keys._write(database, [(read[0], stale)]) == 0
    assert await opens(office, credential_id, AFTER) == "sk-edited"


async def test_rows_that_do_not_open_are_named_and_do_not_stop_the_others(house: House) -> None:
    office = await house.tenant()
    lost = Sealer([Fernet.generate_key().decode()])
    ids = await sealed_under_the_old_key(office, 2)
    async with house.runtime.database.transaction(tenant_id(office)) as session:
        change = CredentialChange(api_key="sk-x", extra={})
        await change_credential(session, tenant_id(office), ids[0], change, lost)
    report = await keys.rotate(house.runtime.database, BOTH, dry_run=False)
    assert report.resealed == 1
    assert len(report.broken) == 1
    assert str(ids[0]) in report.broken[0]
    assert lost.fingerprint in report.broken[0]
    assert report.by_fingerprint == {fingerprint_of(NEW): 1, lost.fingerprint: 1}
