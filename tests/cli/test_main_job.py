"""The command against a real server in its own process: from an empty machine to a cited answer, and away again."""

import json
import re
from pathlib import Path
from typing import Any

from app.cli.demo.server import DemoServer
from app.cli.profiles import load_profiles
from tests.cli.conftest import Minirag

LEAVE = """# Leave

Everybody has twenty-nine days of paid leave a year.

# Kites

| Model | Price |
|---|---|
| Wren | 48 |
| Grand Ida | 1450 |
"""


def read(result: Any) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def said(result: Any) -> str:
    assert result.exit_code == 0, result.output
    return str(result.output)


def test_a_document_becomes_a_cited_answer(minirag: Minirag, signed_in: DemoServer, at_home: Path) -> None:
    (at_home / "rules.md").write_text(LEAVE)
    assert "succeeded" in said(minirag("sources", "add", "rules.md", "--title", "Rules"))
    (source,) = read(minirag("sources", "list", "--json"))
    (document,) = read(minirag("documents", "list", "--json"))
    assert (source["status"], document["title"]) == ("ready", "Rules")

    assert "Rules" in said(minirag("search", "days of paid leave"))
    found = read(minirag("search", "days of paid leave", "--json", "--kb", source["knowledge_base_id"]))
    assert "twenty-nine" in found["results"][0]["content"]

    answer = said(minirag("chat", "How many days of paid leave does everybody have?"))
    assert "twenty-nine days" in answer
    assert re.search(r"^\[1\] Rules", answer, re.MULTILINE)
    whole = read(minirag("chat", "How many days of paid leave does everybody have?", "--json"))
    assert whole["citations"]

    assert "extractive" in said(minirag("usage"))
    assert read(minirag("usage", "--by", "kind", "--json"))["total"]["requests"] == 2


def test_sources_are_shown_and_removed(minirag: Minirag, signed_in: DemoServer, at_home: Path) -> None:
    (at_home / "a.md").write_text("# A\n\nFirst.")
    (at_home / "b.txt").write_text("Second.")
    (at_home / "zeros.pdf").write_bytes(bytes(64))
    result = minirag("sources", "add", ".")
    assert result.exit_code == 1
    assert "succeeded" in result.output
    assert "refused" in result.output

    sources = {item["title"]: item["id"] for item in read(minirag("sources", "list", "--json"))}
    assert set(sources) == {"a.md", "b.txt"}
    assert "b.txt" in said(minirag("sources", "list"))
    shown = said(minirag("sources", "show", sources["a.md"]))
    assert "knowledge base id" in shown
    assert "succeeded" in shown
    assert read(minirag("sources", "show", sources["a.md"], "--json"))["runs"]

    assert "a.md" in said(minirag("sources", "remove", sources["a.md"], say="n\n"))
    assert said(minirag("sources", "remove", sources["a.md"], "--yes")) == "Removed a.md.\n"
    gone = minirag("sources", "show", sources["a.md"])
    assert gone.exit_code == 1
    assert [item["title"] for item in read(minirag("documents", "list", "--json"))] == ["b.txt"]


def test_the_same_name_again_is_a_new_version(minirag: Minirag, signed_in: DemoServer, at_home: Path) -> None:
    for text in ("Old.", "New."):
        (at_home / "a.txt").write_text(text)
        said(minirag("sources", "add", "a.txt", "--external-id", "a"))
    assert len(read(minirag("sources", "list", "--json"))) == 1
    assert "skipped" in said(minirag("sources", "add", "a.txt", "--external-id", "a"))


def test_runs_can_be_looked_up(minirag: Minirag, signed_in: DemoServer, at_home: Path) -> None:
    (at_home / "a.txt").write_text("Words.")
    said(minirag("sources", "add", "a.txt"))
    (run,) = read(minirag("runs", "list", "--status", "succeeded", "--json"))
    assert "succeeded" in said(minirag("runs", "list"))
    assert "chunks" in said(minirag("runs", "show", run["id"]))
    assert read(minirag("runs", "show", run["id"], "--json"))["id"] == run["id"]
    assert minirag("runs", "show", "nothing").exit_code == 1


def test_empty_lists_say_what_to_do(minirag: Minirag, signed_in: DemoServer) -> None:
    assert "minirag sources add" in said(minirag("sources", "list"))
    assert "minirag sources add" in said(minirag("documents", "list", "--kb", "Documents"))
    assert "No runs." in said(minirag("runs", "list"))
    assert "Nothing found" in said(minirag("search", "anything"))
    assert "Nothing was used" in said(minirag("usage", "--from", "2020-01-01", "--to", "2020-02-01"))


def test_tokens_are_made_used_and_revoked(minirag: Minirag, signed_in: DemoServer) -> None:
    token = said(minirag("tokens", "create", "reader", "--scope", "search", "--expires-in", "2h")).splitlines()[0]
    assert read(minirag("search", "x", "--token", token, "--json"))["results"] == []
    refused = minirag("sources", "list", "--token", token)
    assert (refused.exit_code, "ingest" in refused.output) == (1, True)
    assert "reader" in said(minirag("tokens", "list"))
    assert token not in said(minirag("tokens", "list"))
    (mine,) = [item for item in read(minirag("tokens", "list", "--json")) if item["name"] == "reader"]
    assert mine["expires_at"]
    said(minirag("tokens", "revoke", mine["id"]))
    assert minirag("search", "x", "--token", token).exit_code == 1


def test_a_token_for_a_public_page_needs_its_page(minirag: Minirag, signed_in: DemoServer) -> None:
    assert minirag("tokens", "create", "page", "--publishable").exit_code == 2
    assert "there is: Assistant" in minirag("tokens", "create", "page", "--bot", "Nobody").output
    page = ("--publishable", "--bot", "Assistant", "--origin", "https://example.com")
    made = read(minirag("tokens", "create", "page", *page, "--json"))
    assert made["token"].startswith("mrpk_")


def test_spans_of_time_that_are_none_are_refused(minirag: Minirag, signed_in: DemoServer) -> None:
    for span in ("", "0d", "3x", "soon"):
        assert minirag("tokens", "create", "x", f"--expires-in={span}" if span else "--expires-in=-").exit_code == 2


def test_the_operator_makes_lists_and_erases_tenants(minirag: Minirag, server: DemoServer) -> None:
    here = ("--url", server.url, "--data-dir", server.data_dir)
    first = said(minirag("tenants", "create", "Änne & Söhne", *here))
    assert "Kept as profile default" in first
    second = read(minirag("tenants", "create", "Other Co", *here, "--no-save", "--json"))
    third = said(minirag("tenants", "create", "Other Co", *here, "--save"))
    assert "Kept as profile other-co" in third
    assert load_profiles().current == "other-co"
    assert "Änne & Söhne" in said(minirag("tenants", "list", *here))
    assert second["tenant"]["id"] in {tenant["id"] for tenant in read(minirag("tenants", "list", *here, "--json"))}

    declined = minirag("tenants", "erase", second["tenant"]["id"], *here, say="n\n")
    assert declined.exit_code == 1
    assert "Erased Other Co" in said(minirag("tenants", "erase", second["tenant"]["id"], "--yes", *here))
    assert minirag("tenants", "erase", second["tenant"]["id"], "--yes", *here).exit_code == 1


def test_the_admin_key_is_asked_for_when_it_is_not_found(minirag: Minirag, server: DemoServer, at_home: Path) -> None:
    key = (server.data_dir / "secrets" / "admin_key").read_text()
    assert "Made Acme" in said(minirag("tenants", "create", "Acme", "--url", server.url, say=key))
    (at_home / "data" / "secrets").mkdir(parents=True)
    (at_home / "data" / "secrets" / "admin_key").write_text(key)
    assert "Acme" in said(minirag("tenants", "list", "--url", server.url))
    nowhere = minirag("tenants", "list", "--url", server.url, "--data-dir", "nowhere")
    assert (nowhere.exit_code, "admin_key" in nowhere.output) == (1, True)
    wrong = minirag("tenants", "list", "--url", server.url, "--token", "mra_wrong")
    assert wrong.exit_code == 1


def test_a_person_signs_in_and_gets_a_token_that_stays(minirag: Minirag, server: DemoServer) -> None:
    here = ("--url", server.url, "--data-dir", server.data_dir)
    password = "correct horse battery staple"
    said(
        minirag("tenants", "create", "Acme", *here, "--owner", "ida@cli.example", "--no-save", say=f"{password}\n" * 2)
    )
    wrong = minirag("login", "--url", server.url, "--email", "ida@cli.example", say="wrong\n")
    assert wrong.exit_code == 1
    assert not load_profiles().entries
    done = said(minirag("login", "--url", server.url, "--email", "ida@cli.example", say=f"{password}\n"))
    assert "Signed in to Acme" in done
    token = load_profiles().entries["default"].token
    assert token.startswith("mr_")
    assert token not in done
    again = minirag("login", "--profile", "two", say=f"{server.url}\n{token}\n")
    assert "profile two" in said(again)


def test_the_doctor_finds_a_healthy_house_healthy(minirag: Minirag, signed_in: DemoServer) -> None:
    told = said(minirag("doctor", "--data-dir", signed_in.data_dir))
    for name in ("Python", "Profiles", "Settings", "Data folder", "Database", "Server", "Clock", "Token", "vectors"):
        assert re.search(rf"^✓ .*{name}", told, re.MULTILINE), name
    assert "All is well." in told
    assert all(check["level"] == "ok" for check in read(minirag("doctor", "--data-dir", signed_in.data_dir, "--json")))


def test_the_demonstration_leaves_nothing_behind(minirag: Minirag, signed_in: DemoServer) -> None:
    told = said(minirag("demo", "--use-profile"))
    assert "twenty-nine days" in told
    assert "[1] Halyard & Wren Handbook" in told
    assert read(minirag("sources", "list", "--json")) == []


def test_the_whole_demonstration_needs_nothing(minirag: Minirag) -> None:
    told = said(minirag("demo", "--question", "Which kite is never lent out for weddings?"))
    assert "Grand Ida" in told
    assert re.search(r"^\[1\] Halyard & Wren Handbook", told, re.MULTILINE)
    assert not load_profiles().entries
