"""``minirag sources``: feeding documents, and seeing and removing what was fed."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.complaints import Complaint
from app.cli.options import as_json, knowledge_base, with_api

if TYPE_CHECKING:  # httpx and rich are loaded by the command that needs them.
    from app.cli.api import Api


@click.group()
def sources() -> None:
    """What the tenant's knowledge comes from."""


@sources.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(exists=True, path_type=Path))
@click.option("--title", help="Title of the document; for a single file.")
@click.option("--external-id", metavar="NAME", help="Your own name for it: the same name again is a new version.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Watch until it can be searched.")
@knowledge_base
@as_json
@with_api
def add(
    api: "Api", paths: tuple[Path, ...], title: str | None, external_id: str | None, wait: bool,
    kb: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Add files, and all documents in folders."""
    from app.cli.feeding import Feeder, documents_in
    from app.cli.lookup import knowledge_base_id
    from app.cli.screen import show_json

    files = documents_in(paths)
    if not files:
        raise Complaint("There is no document in there that could be read.")
    if len(files) > 1 and (title or external_id):
        raise click.UsageError("--title and --external-id are for a single file.")
    fields = {"title": title, "external_id": external_id}
    fields["knowledge_base_id"] = knowledge_base_id(api, kb) if kb else None
    feeder = Feeder(api, {name: value for name, value in fields.items() if value}, wait=wait)
    fed = feeder.feed(files, quiet=as_json)
    if as_json:
        show_json([item.as_record() for item in fed])
    if any(item.has_failed for item in fed):
        raise SystemExit(1)


@sources.command("list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@knowledge_base
@as_json
@with_api
def list_sources(api: "Api", limit: int, kb: str | None, as_json: bool) -> None:
    """Show sources, newest first."""
    from app.cli.lookup import knowledge_base_id
    from app.cli.screen import show_json, show_table, when

    base = knowledge_base_id(api, kb) if kb else None
    found = list(api.items("/v1/sources", most=limit, knowledge_base_id=base))
    if as_json:
        show_json(found)
        return
    rows = [(item["title"], item["type"], item["status"], when(item.get("created_at")), item["id"]) for item in found]
    show_table(
        ("Source", "Type", "Status", "Added", "Id"), rows, nothing="No sources. Add some: minirag sources add PATH"
    )


@sources.command()
@click.argument("source_id")
@as_json
@with_api
def show(api: "Api", source_id: str, as_json: bool) -> None:
    """Show one source, its documents and its runs."""
    from app.cli.record import part
    from app.cli.screen import plain, show_json, show_table, when

    source = api.get(f"/v1/sources/{source_id}")
    documents = list(api.items("/v1/documents", source_id=source_id))
    runs = list(api.items("/v1/runs", most=5, source_id=source_id))
    if as_json:
        show_json({"source": source, "documents": documents, "runs": runs})
        return
    for name, value in source.items():
        if value not in (None, {}, ""):
            shown = when(value) if re.fullmatch(r"\w+_at", name) else plain(value)
            click.echo(f"{plain(name).replace('_', ' '):<18} {shown}")
    rows = [(item["title"], item["id"]) for item in documents]
    show_table(("Document", "Id"), rows, nothing="No document has come of it yet.")
    history = [
        (when(item["created_at"]), item["status"], part(item, "error").get("message"), item["id"]) for item in runs
    ]
    show_table(("Run", "Status", "Reason", "Id"), history, nothing="It was never ingested.")


@sources.command()
@click.argument("source_ids", nargs=-1, required=True, metavar="ID...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_api
def remove(api: "Api", source_ids: tuple[str, ...], yes: bool) -> None:
    """Remove sources with all their documents."""
    from app.cli.screen import plain

    for source_id in source_ids:
        title = plain(api.get(f"/v1/sources/{source_id}")["title"])
        if yes or click.confirm(f"Remove {title} with all its versions?"):
            api.delete(f"/v1/sources/{source_id}")
            click.echo(f"Removed {title}.")
