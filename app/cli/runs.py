"""``minirag runs``: what became of each ingestion."""

from typing import TYPE_CHECKING

import click

from app.cli.options import as_json, with_api

if TYPE_CHECKING:  # httpx is loaded by the command that needs it.
    from app.cli.api import Api

STATUSES = ("queued", "running", "succeeded", "skipped", "partial", "failed", "cancelled")


@click.group()
def runs() -> None:
    """Ingestions, past and present."""


@runs.command("list")
@click.option("--source", metavar="ID", help="Only of this source.")
@click.option("--status", type=click.Choice(STATUSES), help="Only with this status.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@as_json
@with_api
def list_runs(api: "Api", source: str | None, status: str | None, limit: int, as_json: bool) -> None:
    """Show runs, newest first."""
    from app.cli.record import part
    from app.cli.screen import show_json, show_table, when

    found = list(api.items("/v1/runs", most=limit, source_id=source, status=status))
    if as_json:
        show_json(found)
        return
    rows = [
        (
            when(item.get("created_at")), item["status"], item.get("stage"), item.get("attempt"),
            part(item, "counts").get("chunks"), part(item, "error").get("message"), item["id"],
        )
        for item in found
    ]  # fmt: skip
    show_table(("Began", "Status", "Stage", "#Try", "#Chunks", "Reason", "Id"), rows, nothing="No runs.")


@runs.command()
@click.argument("run_id")
@as_json
@with_api
def show(api: "Api", run_id: str, as_json: bool) -> None:
    """Show one run."""
    from app.cli.record import part
    from app.cli.screen import plain, show_json, when

    run = api.get(f"/v1/runs/{run_id}")
    if as_json:
        show_json(run)
        return
    click.echo(f"{plain(run['status'])}, stage {plain(run.get('stage')) or 'none'}, attempt {run.get('attempt')}")
    for name in ("created_at", "started_at", "finished_at"):
        click.echo(f"  {name.removesuffix('_at'):<10} {when(run.get(name)) or '-'}")
    for name, count in part(run, "counts").items():
        click.echo(f"  {plain(name).replace('_', ' '):<16} {count:>8}")
    if run.get("error"):
        click.secho(f"  {plain(run['error']['message'])} ({plain(run['error']['code'])})", fg="red")
