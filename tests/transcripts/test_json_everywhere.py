"""`--json` gives one document on stdout, from every command and of every failure; hints keep options."""

from pathlib import Path

import pytest

from tests.support.command import Done, zalosync

pytestmark = pytest.mark.usefixtures("loopback")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project whose campaign was sent on the sandbox."""
    assert zalosync(tmp_path, "-C", "shop", "init").code == 0
    done = zalosync(tmp_path / "shop", "apply", "--auto-approve")
    assert done.code == 0, done.err
    return tmp_path / "shop"


def ended(done: Done, code: int = 0) -> dict[str, object]:
    """The one document of a command."""
    assert done.code == code, done.err
    assert done.json["format_version"] == "1.0"
    return done.json


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
    """All problems are in the document, each with its place."""
    campaign = shop / "campaigns" / "welcome.yaml"
    campaign.write_text(campaign.read_text(encoding="utf-8") + "  nonsense: 1\n", encoding="utf-8")
    error = ended(zalosync(shop, "--json", "plan"), 65)["error"]
    assert isinstance(error, dict)
    (problem,) = error["problems"]
    assert (problem["file"], problem["column"]) == ("campaigns/welcome.yaml", 3)


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
