"""The memory as a whole: replaced with a reason, copied, upgraded, and told of what was sent before it."""

import csv
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.command import Done, zalosync
from tests.support.server import Server, serving
from tests.support.shop import CAMPAIGN, Shop, write_shop
from zalosync.ledger import migrate
from zalosync.ledger.dialect import sqlite_database

pytestmark = pytest.mark.usefixtures("loopback")

ROWS = 40
QUICK = {"delay_median_ms": 5, "delay_max_ms": 40, "validity_cap_ms": 50, "check_first": 0, "check_share": 0}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A sandbox in a process of its own: an environment whose lineage is pinned beside the specs."""
    with serving(tmp_path / "server", QUICK, key=False) as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, server: Server) -> Shop:
    """A project with a ledger in which a campaign was sent."""
    shop = write_shop(tmp_path / "shop", ROWS, base_url=server.base_url, encrypted=False)
    key = "      apiKey: {env: INFOBIP_API_KEY}\n"
    project = shop.root / "zalosync.yaml"
    project.write_text(project.read_text(encoding="utf-8") + key, encoding="utf-8")
    shop.environ = server.environ
    assert run(shop, "ledger", "init").code == 0
    assert run(shop, "apply", "--auto-approve").code == 0
    assert server.accepted() == len(shop.valid)
    return shop


def run(shop: Shop, *arguments: str) -> Done:
    """Run a command of the project."""
    return zalosync(shop.root, *arguments, environ=shop.environ)


def adopt(shop: Shop, file: str) -> Done:
    """Plan to adopt the people of a file."""
    return run(shop, "ledger", "adopt", "--campaign", CAMPAIGN, "--audience", file, "-o", "a.zsplan", "-q")


def ledger(shop: Shop) -> Path:
    """The ledger's file."""
    return shop.state / "here.db"


def lineage(shop: Shop) -> str:
    """As pinned."""
    pinned = json.loads((shop.root / "zalosync.lock").read_text(encoding="utf-8"))
    return str(pinned["environments"]["here"]["lineage"])


def totals(shop: Shop) -> dict[str, int]:
    """What a plan counts."""
    done = run(shop, "plan", "--json", "-q")
    assert done.code == 0, done.err
    counts: dict[str, int] = done.json["totals"]
    return {name: count for name, count in counts.items() if count and name not in ("audience", "skipped")}


def test_a_lost_ledger_is_replaced_and_told_from_the_logs(shop: Shop, server: Server) -> None:
    """Lost, replaced with a reason, adopted from the logs through a plan: nobody gets a second message."""
    before = lineage(shop)
    ledger(shop).unlink()
    assert run(shop, "plan").code == 7
    assert run(shop, "ledger", "init").code == 7
    done = run(shop, "ledger", "init", "--replace-lineage", "--reason", "the disk is gone")
    assert done.code == 0, done.err
    assert lineage(shop) != before
    assert totals(shop) == {"send": len(shop.valid)}, "it knows nobody"
    done = run(shop, "apply", "--auto-approve")
    assert done.code == 7, "the provider knows messages of ours that this ledger does not"
    assert server.accepted() == len(shop.valid)

    done = run(shop, "ledger", "adopt", "--campaign", CAMPAIGN, "--from-logs", "-o", "adopt.zsplan", "-q")
    assert done.code == 0, done.err
    assert f"{len(shop.valid)} messages to mark as sent before; nothing goes out" in done.out
    done = run(shop, "apply", "adopt.zsplan")
    assert (done.code, done.err.count("error")) == (0, 0), done.err
    assert f"marked {len(shop.valid)} messages" in done.out
    assert run(shop, "apply", "adopt.zsplan").code == 4
    assert totals(shop) == {"unchanged": len(shop.valid)}
    assert run(shop, "audit", "verify").code == 0
    assert run(shop, "apply", "--auto-approve").code == 0
    assert server.accepted() == len(shop.valid)
    history = run(shop, "history", "--json").json["runs"]
    assert [each["command"] for each in history][-2:] == ["adopt", "apply"]


def test_people_of_a_file_are_adopted(shop: Shop) -> None:
    """Somebody else's tool sent to them: phone and key are enough, and no content is called changed."""
    run(shop, "ledger", "init", "--replace-lineage", "--reason", "begin anew")
    known = list(shop.valid.values())[:10]
    with (shop.root / "before.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("phone", "code"))
        rows.writerows((person.phone, person.code) for person in known)
        rows.writerow(("no phone", "DH999999"))
    done = adopt(shop, "before.csv")
    assert done.code == 0, done.err
    shown = run(shop, "show", "a.zsplan", "--json").json
    assert (shown["kind"], shown["totals"]["send"], shown["totals"]["skipped"]) == ("adopt", 10, 1)
    (shop.root / "before.csv").write_text("phone,code\n0900000001,DH000001\n", encoding="utf-8")
    assert run(shop, "apply", "a.zsplan").code == 4, "the file is not the one that was planned"
    with (shop.root / "before.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("code", "phone"))
        rows.writerows((person.code, person.phone) for person in reversed(known))
        rows.writerow(("DH999999", "no phone"))
    assert run(shop, "apply", "a.zsplan").code == 0, "the same people in another order"
    assert totals(shop) == {"send": len(shop.valid) - 10, "unchanged": 10}
    assert run(shop, "audit", "verify").code == 0


def test_adopting_needs_the_columns_of_phone_and_key(shop: Shop) -> None:
    """What cannot be told apart is not adopted: 64 or 65, with the column."""
    for header in ("phone", "code"):
        (shop.root / "before.csv").write_text(f"{header}\nx\n", encoding="utf-8")
        done = run(
            shop, "ledger", "adopt", "--campaign", CAMPAIGN, "--audience", "before.csv", "-o", "a.zsplan"
        )
        assert done.code in (64, 65), done.err
        assert ("code" if header == "phone" else "phone") in done.err
    done = run(shop, "ledger", "adopt", "--campaign", CAMPAIGN, "-o", "a.zsplan")
    assert done.code == 64


def test_replacing_needs_a_reason_and_keeps_the_old_file(shop: Shop) -> None:
    """Without --reason 64; with it the old ledger is kept beside the new one, which says by whom and why."""
    assert run(shop, "ledger", "init", "--replace-lineage").code == 64
    assert run(shop, "ledger", "init", "--reason", "so").code == 64
    before = ledger(shop).read_bytes()
    done = run(shop, "ledger", "init", "--replace-lineage", "--reason", "moved to another account")
    assert done.code == 0, done.err
    (kept,) = shop.state.glob("here.db.replaced-*Z")
    assert kept.read_bytes() == before
    with closing(sqlite3.connect(ledger(shop))) as connection:
        (body,) = connection.execute("SELECT body FROM event WHERE seq = 1").fetchone()
    said = json.loads(body)
    assert (said["by"], said["reason"]) == ("test", "moved to another account")
    assert len(said["replaces"]) == 32
    assert run(shop, "audit", "verify").code == 0


def test_a_plan_of_the_old_lineage_is_refused(shop: Shop) -> None:
    """It was compared with another memory: 4."""
    with (shop.root / "audiences" / "people.csv").open("a", encoding="utf-8") as file:
        file.write("0909999999,mai,DH777777,shipped,2026-01-01\n")
    assert run(shop, "plan", "-o", "a.zsplan").code == 0
    run(shop, "ledger", "init", "--replace-lineage", "--reason", "begin anew")
    done = run(shop, "apply", "a.zsplan")
    assert done.code == 4
    assert "made on another ledger" in done.err


def test_a_new_start_needs_an_old_one(tmp_path: Path, server: Server) -> None:
    """There is nothing to replace where nothing is pinned: 64."""
    shop = write_shop(tmp_path / "other", 5, base_url=server.base_url, encrypted=False)
    shop.environ = server.environ
    (shop.root / ".zalosync").mkdir(mode=0o700)
    (shop.root / ".zalosync" / "key").write_text("ab" * 32, encoding="ascii")
    (shop.root / ".zalosync" / "key").chmod(0o600)
    done = run(shop, "ledger", "init", "--replace-lineage", "--reason", "why not")
    assert done.code == 64
    assert "none to replace" in done.err


def test_a_lost_key_is_not_made_anew_over_a_pinned_ledger(shop: Shop) -> None:
    """Another key would give everybody a second message: `init` makes none where a lineage is pinned."""
    (shop.state / "key").unlink()
    assert run(shop, "ledger", "init").code != 0
    assert not (shop.state / "key").exists()


def test_a_copy_is_the_ledger_of_one_moment(shop: Shop) -> None:
    """Private, verifiable, never over another file; restored, it is the same ledger."""
    copy = shop.root / "copy.db"
    assert run(shop, "ledger", "backup", "copy.db").code == 0
    assert copy.stat().st_mode & 0o777 == 0o600
    assert run(shop, "ledger", "backup", "copy.db").code == 64
    ledger(shop).unlink()
    shutil.move(copy, ledger(shop))
    assert totals(shop) == {"unchanged": len(shop.valid)}
    assert run(shop, "audit", "verify").code == 0


SMS_AWAITED = """\
CREATE INDEX sms_awaited ON attempt (campaign, created_at)
WHERE failover = 1 AND state > 4 AND state < 8 AND refused = 0 AND (sms_group < 2 OR sms_id = 2)"""


def test_an_older_schema_is_upgraded_and_says_so(shop: Shop) -> None:
    """Nothing is read from it before; afterwards everything is as it was, and the history names the step."""
    with closing(sqlite3.connect(ledger(shop))) as connection:
        connection.execute("DROP INDEX by_run")
        connection.execute("DROP INDEX one_message_id")
        connection.execute("CREATE UNIQUE INDEX one_message_id ON attempt (message_id)")
        connection.execute("DROP INDEX sms_awaited")
        connection.execute(SMS_AWAITED)
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
        connection.commit()
    done = run(shop, "plan")
    assert done.code == 7
    assert "ledger migrate" in done.err
    done = run(shop, "ledger", "migrate")
    assert done.code == 0, done.err
    assert f"from 0001 to {migrate.REVISION}" in done.out
    assert run(shop, "ledger", "migrate").out.count("already") == 1
    database = sqlite_database(ledger(shop), read_only=True)
    assert migrate.version_of(database) == migrate.REVISION
    database.close()
    assert totals(shop) == {"unchanged": len(shop.valid)}
    assert run(shop, "audit", "verify").code == 0


def test_a_foreign_schema_is_not_upgraded(shop: Shop) -> None:
    """A table that is not ours may be a trap: 7, and the file stays as it is."""
    with closing(sqlite3.connect(ledger(shop))) as connection:
        connection.execute("CREATE TRIGGER trap AFTER INSERT ON attempt BEGIN DELETE FROM attempt; END")
        connection.commit()
    before = ledger(shop).read_bytes()
    assert run(shop, "ledger", "migrate").code == 7
    assert ledger(shop).read_bytes() == before
