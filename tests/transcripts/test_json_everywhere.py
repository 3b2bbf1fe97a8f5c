"""`--json` gives one document on stdout, from every command and of every failure; hints keep options."""

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

from tests.support.command import Done, zalosync
from tests.transcripts.test_help import LEAVES
from zalosync.cli.schema import OUTPUTS, output_schema

pytestmark = pytest.mark.usefixtures("loopback")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project whose campaign was sent on the sandbox."""
    assert zalosync(tmp_path, "-C", "shop", "init").code == 0
    done = zalosync(tmp_path / "shop", "apply", "--auto-approve")
    assert done.code == 0, done.err
    return tmp_path / "shop"


def ended(done: Done, code: int = 0, *, schema: str = "") -> dict[str, object]:
    """The one document of a command, which keeps its schema."""
    assert done.code == code, done.err
    assert done.json["format_version"] == "1.0"
    if schema or "error" in done.json:
        given = json.loads(output_schema(schema or "error"))
        jsonschema.Draft202012Validator.check_schema(given)
        jsonschema.Draft202012Validator(given).validate(done.json)
        assert set(done.json) <= set(given["properties"]), "the schema does not name them all"
    return done.json


# What each command is given in a project whose campaign was sent; `serve` and `sandbox` run until stopped.
GIVEN: dict[str, tuple[str, ...]] = {
    "validate": ("--rows",),
    "fmt": (),
    "render": ("welcome", "--sample", "2", "--payload"),
    "templates-list": (),
    "templates-pull": (),
    "keys-show": (),
    "keys-create": ("4097700000000000001",),
    "quota": (),
    "explain": ("ZS101",),
    "plan": (),
    "refresh": (),
    "logs": ("--limit", "2"),
    "resolve": ("--campaign", "welcome", "--all-unknown", "--as", "sent", "--reason", "seen"),
    "pause": ("welcome",),
    "unpause": ("welcome",),
    "cancel": ("welcome",),
    "status": (),
    "history": (),
    "audit-verify": (),
    "audit-report": ("--output", "report.html"),
    "doctor": (),
    "ledger-info": (),
    "ledger-backup": ("copy.db",),
    "ledger-migrate": (),
}


def test_every_document_keeps_its_schema(shop: Path) -> None:
    """What a command prints with --json is what `schema --json-output` of it says."""
    for name, arguments in GIVEN.items():
        ended(zalosync(shop, "--json", *name.split("-"), *arguments), schema=name)


def test_documents_of_sealed_plans(shop: Path) -> None:
    """Those about plan files, too: sealed, shown, approved, held together, applied, adopted."""
    customers = next((shop / "audiences").glob("people*"))
    with customers.open("a", encoding="utf-8") as file:
        file.write(customers.read_text(encoding="utf-8").splitlines()[-1].replace("C", "N") + "\n")
    ended(zalosync(shop, "--json", "plan", "-o", "a.zsplan"), schema="plan")
    ended(zalosync(shop, "--json", "show", "a.zsplan"), schema="show")
    ended(zalosync(shop, "--json", "approve", "a.zsplan", "--as", "ann"), schema="approve")
    ended(zalosync(shop, "--json", "diff", "a.zsplan", "a.zsplan"), schema="diff")
    ended(zalosync(shop, "--json", "apply", "a.zsplan"), schema="apply")
    adopt = ("--campaign", "welcome", "--audience", str(customers.relative_to(shop)), "-o", "b.zsplan")
    ended(zalosync(shop, "--json", "ledger", "adopt", *adopt), schema="ledger-adopt")
    ended(zalosync(shop, "--json", "apply", "b.zsplan"), schema="adopt")


def test_documents_of_beginnings(tmp_path: Path) -> None:
    """A new project, and a new ledger."""
    made = ended(zalosync(tmp_path, "-C", "shop", "--json", "init"), schema="init")
    assert "zalosync.yaml" in made["files"]  # type: ignore[operator]
    ended(zalosync(tmp_path / "shop", "--json", "ledger", "init"), schema="ledger-init")


def test_every_command_with_a_document_has_a_schema() -> None:
    """None is forgotten: but for servers, and `schema` itself, whose output is no document."""
    leaves = {"-".join(path) for path, _ in LEAVES}
    assert leaves - set(OUTPUTS) == {"schema", "serve", "sandbox"}
    assert set(OUTPUTS) - leaves == {"keys", "adopt", "error"}
    tried = {*GIVEN, "show", "approve", "diff", "apply", "ledger-adopt", "init", "ledger-init"}
    assert leaves - tried == {
        "schema",
        "serve",
        "sandbox",
        "keys-pin",
        "demo",
    }


def test_decisions(shop: Path) -> None:
    """What people decide, and what is done to a ledger, is a document too."""
    assert ended(zalosync(shop, "--json", "pause", "welcome"))["paused"] is True
    assert ended(zalosync(shop, "--json", "unpause", "welcome"))["paused"] is False
    assert ended(zalosync(shop, "--json", "unpause", "welcome"))["changed"] is False
    assert ended(zalosync(shop, "--json", "cancel", "welcome"))["cancelled"] == 0
    resolve = ("resolve", "--campaign", "welcome", "--all-unknown", "--as", "sent", "--reason", "seen")
    assert ended(zalosync(shop, "--json", *resolve))["resolved"] == 0
    assert "nothing to resolve" in zalosync(shop, *resolve).out
    assert "nothing to cancel" in zalosync(shop, "cancel", "welcome").out
    assert ended(zalosync(shop, "--json", "fmt", "--check")) == {
        "format_version": "1.0",
        "changed": [],
        "written": False,
    }
    copied = ended(zalosync(shop, "--json", "ledger", "backup", str(shop / "copy.db")))
    assert copied["bytes"] == (shop / "copy.db").stat().st_size
    migrated = ended(zalosync(shop, "--json", "ledger", "migrate"))
    assert migrated["before"] == migrated["after"]


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("pause", "nobody"), 64, "ZS222"),
        (("plan", "--nonsense"), 64, None),
        (("apply", "missing.zsplan"), 4, "ZS532"),
        (("apply",), 64, None),
        (("status", "-e", "nowhere"), 64, None),
    ],
)
def test_failures(shop: Path, arguments: tuple[str, ...], code: int, named: str | None) -> None:
    """A failure is a document with its code, its words, its way out and exit code; stderr the sentence."""
    done = zalosync(shop, "--json", *arguments)
    error = ended(done, code)["error"]
    assert isinstance(error, dict)
    assert error["exit_code"] == code
    assert error["message"]
    if named is not None:
        assert error["code"] == named
    assert str(error["message"]).split("\n")[0][:40] in done.err


def test_wrong_specs(shop: Path) -> None:
    """All problems are in the document: place, found, allowed and meant, as `validate` tells them."""
    campaign = shop / "campaigns" / "welcome.yaml"
    text = campaign.read_text(encoding="utf-8").replace("tag: TRANSACTION", "tag: TRANSACTON")
    campaign.write_text(f"{text}  nonsense: 1\n", encoding="utf-8")
    error = ended(zalosync(shop, "--json", "plan"), 65)["error"]
    assert isinstance(error, dict)
    tag, nonsense = error["problems"]
    assert (nonsense["file"], nonsense["column"]) == ("campaigns/welcome.yaml", 3)
    assert (tag["found"], tag["meant"]) == ("`TRANSACTON`", "TRANSACTION")
    assert "CUSTOMER_CARE" in tag["allowed"]
    assert ended(zalosync(shop, "--json", "validate"), 65)["problems"] == error["problems"]


def test_a_campaign_that_left_the_project(shop: Path) -> None:
    """What the ledger has of it can still be decided on, under the name it has there."""
    (shop / "campaigns" / "welcome.yaml").rename(shop / "welcome.away")
    (shop / "campaigns" / "other.yaml").write_text(
        (shop / "welcome.away").read_text(encoding="utf-8").replace("welcome", "other"), encoding="utf-8"
    )
    assert ended(zalosync(shop, "--json", "cancel", "welcome"))["campaign"] == "welcome"
    assert zalosync(shop, "pause", "welcome").code == 0
    assert zalosync(shop, "pause", "nobody").code == 64


def test_hints_work_where_they_are_read(shop: Path) -> None:
    """What a person is told to type next has the `-e` and `-C` that this command was given."""
    parent = shop.parent
    done = zalosync(parent, "-C", "shop", "-e", "sandbox", "plan", "-o", "a.zsplan")
    assert "then `zalosync -C shop -e sandbox apply a.zsplan`" in done.out
    assert "`zalosync -C shop -e sandbox templates pull`" in done.out
    assert "`zalosync refresh`" in zalosync(shop, "apply", "--auto-approve").out
    environ = {"ZALOSYNC_ENV": "sandbox"}
    assert "then `zalosync apply a.zsplan`" in zalosync(shop, "plan", "-o", "a.zsplan", environ=environ).out
