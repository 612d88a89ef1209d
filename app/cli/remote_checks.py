"""The doctor at the server: is it there, is it ready, does it know us, is its clock right."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from app import __version__
from app.cli.checks import Check, broken, odd, well
from app.cli.complaints import Complaint
from app.cli.record import Record, part
from app.cli.target import Target, find_target

CLOCK_S = 30.0
"""Beyond this, expiry times and signatures begin to go wrong."""


def check_server(profile: str | None, url: str | None, token: str | None) -> Iterator[Check]:
    """Everything the server says of itself, and of the token."""
    try:
        target = find_target(profile, url, token)
    except Complaint as fault:
        yield broken("Server", fault.message, "")
        return
    with httpx.Client(base_url=target.url, timeout=10, trust_env=not target.is_local) as client:
        try:
            live = client.get("/health/live")
            ready = client.get("/health/ready")
        except httpx.TransportError as fault:
            start = "Start it with `minirag serve`." if target.is_local else "Is it running, and the address right?"
            yield broken("Server", f"nobody answers at {target.url} ({type(fault).__name__})", start)
            return
        yield check_identity(target, live)
        yield from check_services(ready)
        yield check_clock(live)
        yield check_token(client, target)


def check_identity(target: Target, live: httpx.Response) -> Check:
    """Whether what answers is a MiniRAG, of our own version."""
    said = as_record(live)
    theirs = said.get("version")
    if not live.is_success or "status" not in said:
        return broken(
            "Server", f"{target.url} answers, but not as MiniRAG (HTTP {live.status_code})", "Check the address."
        )
    if theirs and theirs != __version__:
        return odd("Server", f"{target.url}, version {theirs}; this command is {__version__}", "Use the same version.")
    return well("Server", f"{target.url}, version {theirs or 'unknown'}")


def check_services(ready: httpx.Response) -> Iterator[Check]:
    """One line for each thing the server depends on."""
    dependencies = part(as_record(ready), "dependencies")
    for name in dependencies:
        found = part(dependencies, name)
        if found.get("ok"):
            yield well(f"· {name}", f"answers in {found.get('latency_ms', '?')} ms")
        else:
            yield broken(f"· {name}", str(found.get("detail") or "is down"), "See the server's log for the reason.")
    if not dependencies and not ready.is_success:
        yield broken("Readiness", f"HTTP {ready.status_code}", "See the server's log for the reason.")


def check_clock(live: httpx.Response) -> Check:
    """How far the two clocks are apart; the header counts whole seconds."""
    try:
        theirs = parsedate_to_datetime(live.headers["date"]).replace(tzinfo=UTC)  # RFC 9110: always GMT.
    except (KeyError, ValueError, TypeError):
        return odd("Clock", "the server does not say what time it is", "")
    apart = abs((datetime.now(UTC) - theirs).total_seconds())
    if apart > CLOCK_S:
        return broken("Clock", f"{apart:.0f} s apart from the server's", "Let both machines keep time with NTP.")
    return well("Clock", "agrees with the server's")


def check_token(client: httpx.Client, target: Target) -> Check:
    """Whom the token belongs to."""
    if target.token is None:
        return odd("Token", "none for this server", "Sign in with `minirag login`, or `minirag tenants create NAME`.")
    try:
        answer = client.get("/v1/me", headers={"Authorization": f"Bearer {target.token}"})
    except (httpx.TransportError, UnicodeEncodeError) as fault:
        return broken("Token", f"could not be tried ({type(fault).__name__})", "")
    if not answer.is_success:
        return broken("Token", str(as_record(answer).get("detail") or f"HTTP {answer.status_code}"), "`minirag login`")
    me = as_record(answer)
    scopes = ", ".join(str(scope) for scope in list[object](me.get("scopes") or ()))
    return well("Token", f"{part(me, 'tenant').get('name') or 'the platform'}, may {scopes or 'do nothing'}")


def as_record(response: httpx.Response) -> Record:
    """The body as an object; empty when it is none."""
    try:
        return part({"body": response.json()}, "body")
    except ValueError:
        return {}
