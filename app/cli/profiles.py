"""The profile file: for each server and tenant a person works with, its address and a token.

TOML, readable by its owner alone, at ``~/.config/minirag/profiles.toml`` or where ``MINIRAG_PROFILE_FILE`` points.
"""

import json
import os
import re
import tempfile
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from app.cli.complaints import Complaint

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Profile:
    """A server and the token to use there. The token is hidden from ``repr``."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Profiles:
    """All profiles by name, and the one in use."""

    entries: dict[str, Profile] = field(default_factory=dict[str, Profile])
    current: str | None = None

    def chosen(self, name: str | None) -> Profile | None:
        """The named profile, or the one in use when no name is given. Raises Complaint for an unknown name."""
        if name is None:
            return self.entries.get(self.current or "")
        if name not in self.entries:
            known = ", ".join(sorted(self.entries)) or "none yet"
            raise Complaint(
                f"There is no profile {name!r} (there is: {known}). Make it with: minirag profile add {name}"
            )
        return self.entries[name]

    def with_entry(self, name: str, profile: Profile) -> "Profiles":
        """These and one more, which is then in use. Raises Complaint for a name that is not plain."""
        if not _NAME.fullmatch(name):
            raise Complaint("A profile's name is made of letters, digits, - and _, at most 64 of them.")
        return replace(self, entries={**self.entries, name: profile}, current=name)

    def without(self, name: str) -> "Profiles":
        """These but one. Raises Complaint for an unknown name."""
        self.chosen(name)
        rest = {other: profile for other, profile in self.entries.items() if other != name}
        return Profiles(rest, self.current if self.current in rest else next(iter(rest), None))

    def using(self, name: str) -> "Profiles":
        """These, with another one in use. Raises Complaint for an unknown name."""
        self.chosen(name)
        return replace(self, current=name)


def profile_path() -> Path:
    """Where the file is."""
    given = os.environ.get("MINIRAG_PROFILE_FILE")
    if given:
        return Path(given).expanduser()
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "minirag" / "profiles.toml"


def load_profiles() -> Profiles:
    """Read the file; none is the same as an empty one. Raises Complaint when it cannot be understood."""
    path = profile_path()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        entries = {
            name: Profile(str(entry["url"]), str(entry["token"]))
            for name, entry in cast("dict[str, dict[str, Any]]", table.get("profiles", {})).items()
        }
    except FileNotFoundError:
        return Profiles()
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as fault:
        raise Complaint(
            f"The profile file {path} cannot be read ({fault}). Mend it, or delete it and sign in again."
        ) from fault
    current = table.get("current")
    return Profiles(entries, current if isinstance(current, str) and current in entries else None)


def save_profiles(profiles: Profiles) -> None:
    """Write the file whole, or leave the old one as it is. Raises Complaint when the disk refuses."""
    lines = [f"current = {json.dumps(profiles.current)}", ""] if profiles.current else []
    for name, profile in profiles.entries.items():
        lines += [f"[profiles.{name}]", f"url = {json.dumps(profile.url)}", f"token = {json.dumps(profile.token)}", ""]
    write_private(profile_path(), "\n".join(lines))


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` by a file only its owner can read, in one step. Raises Complaint when the disk refuses."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp gives mode 0600.
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    except OSError as fault:
        raise Complaint(f"{path} cannot be written: {fault.strerror or fault}.") from fault
