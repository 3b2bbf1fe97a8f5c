"""Answers that a run could only write beside its ledger: the next run hears them before anything else."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.command import start, zalosync
from tests.support.server import serving
from tests.support.shop import write_shop
from tests.support.truth import assert_at_most_once
from zalosync.compose.message import Status, message_id_bytes
from zalosync.ledger.dialect import SQLITE, sqlite_database
from zalosync.ledger.read import LedgerReader
from zalosync.ledger.records import Move, Standing
from zalosync.ledger.rescue import rescue_path, write_rescue

pytestmark = [pytest.mark.crash, pytest.mark.usefixtures("loopback")]

QUICK = {"delay_median_ms": 5, "delay_max_ms": 40, "validity_cap_ms": 50, "check_first": 0, "check_share": 0}
REFUSES = [
    {"do": "row-rejected", "on": ["send"], "requests": [1], "with": {"cause": "no_credit", "share": 0.5}}
]
TAKEN, NO_CREDIT = Standing(Status.ACCEPTED, status_group=1, status_id=7), 12
REFUSED = Standing(Status.REJECTED, status_group=5, status_id=NO_CREDIT, refused=NO_CREDIT)


def test_apply_after_a_run_that_could_not_store(tmp_path: Path) -> None:
    """`apply`, without a `refresh` in between, knows what the answer refused: `retry` goes by that."""
    with serving(tmp_path / "server", QUICK, REFUSES) as server:
        shop = write_shop(tmp_path / "shop", 40, base_url=server.base_url, encrypted=False)
        assert zalosync(shop.root, "ledger", "init").code == 0
        # Dead between the answer and its commit: what the file beside the ledger is for.
        die = ("zalosync.ledger.change:Change.move", 2)
        assert start(shop.root, "apply", "--auto-approve", environ=server.environ, die=die).wait().code == -9
        path = shop.state / "here.db"
        with closing(sqlite3.connect(path)) as connection:
            (run_id,) = connection.execute("SELECT run_id FROM run").fetchone()
        answered = {
            message_id: TAKEN if entry["accepted"] else REFUSED
            for entry in server.messages()
            if (message_id := message_id_bytes(entry["messageId"])) is not None
        }
        with closing(LedgerReader(sqlite_database(path, read_only=True), SQLITE, "here")) as reader:
            known = reader.by_message_ids(sorted(answered))
        write_rescue(
            rescue_path(shop.state, run_id), [Move(known[each], to) for each, to in answered.items()]
        )
        done = zalosync(shop.root, "apply", "--auto-approve", environ=server.environ)
        assert done.code in (0, 5), done.err  # so many refusals stop a run
        assert not list(shop.state.glob("rescue-*"))
        assert_at_most_once(shop, path, server)
        with closing(LedgerReader(sqlite_database(path, read_only=True), SQLITE, "here")) as reader:
            now = reader.by_message_ids(sorted(answered))
        refused = {each for each, to in answered.items() if to is REFUSED}
        assert refused
        assert {each for each, record in now.items() if record.refused == NO_CREDIT} == refused
        assert Status.UNKNOWN not in {record.state for record in now.values()}
