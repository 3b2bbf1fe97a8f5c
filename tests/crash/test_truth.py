"""The judge of the crash tests: a server's count with a loss, a stranger or a duplicate is refused."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.crash.test_kill import begun
from tests.support.command import zalosync
from tests.support.server import Server, serving
from tests.support.truth import assert_at_most_once, assert_nobody_missing, truth

pytestmark = [pytest.mark.crash, pytest.mark.usefixtures("loopback")]

Counted = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Liar(Server):
    """A server whose count is not the true one."""

    forge: Callable[[Counted], object] = list

    def messages(self) -> Counted:
        """What it was sent, forged."""
        found = Server.messages(self)
        self.forge(found)
        return found


def lost(found: Counted) -> None:
    """It never had what the ledger calls sent."""
    del found[0]


def refused(found: Counted) -> None:
    """It was sent it, and never took it."""
    found[0]["accepted"] = 0


def unexpected(found: Counted) -> None:
    """It has an id that never was an intent, to somebody who is in the audience."""
    found.append({**found[0], "messageId": "an-id-that-nobody-claimed"})


def duplicated(found: Counted) -> None:
    """It took one id twice."""
    found[0]["accepted"] = 2


def another_person(found: Counted) -> None:
    """It took a message to somebody who should get none."""
    found[0]["to"] = "84999999999"


def test_a_forged_count_is_refused(tmp_path: Path) -> None:
    """Each of the faults is found and called by its name; the true count passes."""
    with serving(tmp_path / "server") as server:
        shop = begun(tmp_path / "shop", 20, server)
        ledger = shop.state / "here.db"
        assert zalosync(shop.root, "apply", "--auto-approve", environ=server.environ).code == 0
        assert_nobody_missing(shop, assert_at_most_once(shop, ledger, server))

        def forged(forge: Callable[[Counted], None]) -> Liar:
            return Liar(server.base_url, server.state, server.api_key, forge)

        for forge in (lost, refused, unexpected, duplicated, another_person):
            with pytest.raises(AssertionError):
                assert_at_most_once(shop, ledger, forged(forge))
        assert len(truth(ledger, forged(lost)).lost) == len(truth(ledger, forged(refused)).lost) == 1
        assert truth(ledger, forged(unexpected)).unexpected == {"an-id-that-nobody-claimed"}
        assert len(truth(ledger, forged(duplicated)).duplicated) == 1
        found = truth(ledger, server)
        with pytest.raises(AssertionError):
            assert_nobody_missing(shop, replace(found, phones=Counter()))
