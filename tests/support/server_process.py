"""One server process of a test, which cannot outlive it.

It runs under a shell that waits for its standard input to end, which is the moment the last process holding the other
end is gone, killed or not; then the shell stops the server and deletes its folder.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TypedDict

START_S = 30.0

_WARDEN = """
folder=$1; signal=$2; shift 2
exec 3<&0
"$@" </dev/null & server=$!
{ read -r _; kill -s "$signal" "$server"; } <&3 & watcher=$!
wait "$server"; code=$?
kill "$watcher" 2>/dev/null
rm -rf "$folder"
exit $code
"""


class Unavailable(Exception):  # It is read as a sentence: "except Unavailable".
    """This machine has no such server; the message says what was tried."""


class Server:
    """One server process in a folder of its own; ``stop`` and ``start`` may alternate, the port stays.

    ``user`` is the account to run as, for programs that refuse root.
    """

    def __init__(self, signal: str, user: str | None = None) -> None:
        self.port = free_port()
        self._signal = signal
        self.user = user
        self._warden: subprocess.Popen[bytes] | None = None

    def folder(self) -> Path:
        """A new folder that belongs to the account the server runs as."""
        path = Path(tempfile.mkdtemp(prefix="minirag-test-"))
        if self.user:
            shutil.chown(path, self.user)
        return path

    def launch(self, folder: Path, *command: str) -> None:
        """Run ``command`` under its warden and wait until its port answers; raises ``Unavailable``."""
        script = ["sh", "-c", _WARDEN, "warden", str(folder), self._signal, *command]
        with tempfile.TemporaryFile() as said:
            self._warden = subprocess.Popen(
                script,
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=subprocess.STDOUT,
                cwd=folder,
                start_new_session=True,
                **account(self.user),
            )
            deadline = time.monotonic() + START_S
            while not answers(self.port):
                if self._warden.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    said.seek(0)
                    words = said.read().decode(errors="replace")[-800:].strip()
                    raise Unavailable(f"{command[0]} did not start: {words or 'it said nothing'}")
                time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server at once and wait until its folder is gone; harmless when it does not run."""
        if self._warden and self._warden.stdin:
            self._warden.stdin.close()
            self._warden.wait(START_S)
        self._warden = None


class Account(TypedDict, total=False):
    """What ``subprocess`` needs to run as somebody else."""

    user: str
    group: int
    extra_groups: list[int]


def account(user: str | None) -> Account:
    """The arguments of ``subprocess`` that make it run as ``user``; none for ourselves."""
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


def unprivileged_user() -> str | None:
    """The account for PostgreSQL, which refuses to run as root; ``None`` when we are not root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in known:
            return name
    raise Unavailable("No PostgreSQL: it refuses to run as root, and there is no account postgres or nobody")


def free_port() -> int:
    """A TCP port of this machine that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether something accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
