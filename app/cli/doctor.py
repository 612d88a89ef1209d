"""``minirag doctor``: what is wrong, and how to mend it."""

import click

from app.cli.options import target_options

MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@click.command()
@click.option("--data-dir", metavar="FOLDER", help="Data folder of a server on this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@target_options
def doctor(data_dir: str | None, as_json: bool, profile: str | None, url: str | None, token: str | None) -> None:
    """Check settings, server, services and this machine; exit code 1 if something is wrong."""
    from app.cli.checks import Check
    from app.cli.local_checks import check_this_machine
    from app.cli.remote_checks import check_server
    from app.cli.screen import show_json

    found: list[Check] = []
    for check in (*check_this_machine(data_dir), *check_server(profile, url, token)):
        found.append(check)
        if not as_json:
            show(check.name, check.level, check.said, check.remedy)
    if as_json:
        show_json([check.as_record() for check in found])
    failed = sum(check.level == "fail" for check in found)
    if not as_json:
        click.echo("\nAll is well." if not failed else f"\n{failed} of {len(found)} checks failed.")
    if failed:
        raise SystemExit(1)


def show(name: str, level: str, said: str, remedy: str) -> None:
    """One check: its mark, what was found, and on the next line what to do."""
    from app.cli.screen import plain

    mark, colour = MARKS[level]
    click.secho(f"{mark} ", fg=colour, nl=False)
    click.echo(f"{name:<18} {plain(said)}")
    if remedy:
        click.secho(f"  {'':<18} {plain(remedy)}", dim=True)
