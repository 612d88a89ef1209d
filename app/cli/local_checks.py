"""The doctor on this machine: Python, profiles, settings, the data folder and the database's schema."""

import asyncio
import os
import platform
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from app.cli.checks import Check, broken, odd, well
from app.cli.complaints import Complaint, Misconfigured
from app.cli.process import read_settings, reason
from app.cli.profiles import load_profiles, profile_path
from app.migrate import schema_state
from app.settings import Settings

SCARCE_BYTES = 1024**3
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_this_machine(data_dir: str | None) -> Iterator[Check]:
    """Everything that can be said without a server."""
    yield well("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield check_profiles()
    try:
        settings = read_settings(data_dir=data_dir)
    except Misconfigured as fault:
        yield broken("Settings", fault.message, "Mend them in the environment or in .env; .env.example explains each.")
        return
    yield well("Settings", "readable; " + services(settings))
    yield from check_data(settings.data_dir)
    yield asyncio.run(check_schema(settings))


def check_profiles() -> Check:
    """Whether the profile file can be read, and by its owner alone."""
    path = profile_path()
    try:
        profiles = load_profiles()
    except Complaint as fault:
        return broken("Profiles", fault.message, "")
    if not profiles.entries:
        return odd("Profiles", f"none in {path}", "Sign in with `minirag login`, or make a tenant with --save.")
    if path.stat().st_mode & OTHERS:
        return broken("Profiles", f"{path} can be read by others", f"It holds tokens: chmod 600 {path}")
    return well("Profiles", f"{len(profiles.entries)} in {path}, using {profiles.current or 'none'}")


def services(settings: Settings) -> str:
    """Which services the settings name, in words."""
    urls = {"PostgreSQL": settings.database_url, "Redis": settings.redis_url, "Qdrant": settings.qdrant_url}
    named = [name for name, url in urls.items() if url]
    return f"uses {', '.join(named)}" if named else "embedded, no services"


def check_data(folder: Path) -> Iterator[Check]:
    """Whether the data folder can be written, has room, and keeps its secrets to itself."""
    if not folder.exists():
        yield well("Data folder", f"{folder.resolve()} does not exist yet; the first start makes it")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield broken(
            "Data folder", f"{folder.resolve()} cannot be written", f"Give it to the server's user: chown {folder}"
        )
        return
    free = shutil.disk_usage(folder).free
    said = f"{folder.resolve()}, {free / 1024**3:.1f} GB free"
    yield (
        well("Data folder", said) if free > SCARCE_BYTES else odd("Data folder", said, "Make room before it runs out.")
    )
    open_to_others = [path for path in (folder / "secrets").glob("*") if path.stat().st_mode & OTHERS]
    if open_to_others:
        names = " ".join(str(path) for path in open_to_others)
        yield broken("Secrets", "can be read by others", f"chmod 600 {names}")


async def check_schema(settings: Settings) -> Check:
    """Whether the database answers and has this version's tables."""
    if settings.database_url is None and not (settings.data_dir / "minirag.db").exists():
        return well("Database", "none here yet; the first start makes it")
    try:
        state = await asyncio.wait_for(schema_state(settings.effective_database_url), timeout=10)
    except Exception as fault:  # noqa: BLE001  # Each driver has its own; all mean the same to the reader.
        return broken("Database", f"does not answer: {reason(fault)}", "Is it running, and MINIRAG_DATABASE_URL right?")
    if state.is_current:
        return well("Database", f"at revision {state.newest}")
    return broken("Database", f"at revision {state.stored or 'none'}, needs {state.newest}", "Run `minirag migrate`.")
