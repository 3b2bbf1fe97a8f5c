"""The RSA keys of a plan's senders: asked for, and known from before where the provider is not reached."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.desk import Desk, phones
from zalosync.cli.senders import NOTE, SenderKeys, fetch
from zalosync.errors import StoppedEarly
from zalosync.events import Warned
from zalosync.infobip.client import Reader
from zalosync.infobip.keys import PublicKey
from zalosync.plan.build import SenderKey
from zalosync.spec.load import load_project

SENDER = "4097700000000000001"
PINNED, SEEN = "sha256:" + "1" * 64, "sha256:" + "2" * 64


class Away:
    """A provider that nobody reaches."""

    def public_key(self, sender: str) -> PublicKey | None:
        """No answer."""
        raise StoppedEarly(f"the public key of sender {sender} was not told")


class Without:
    """A provider that has no key yet."""

    def public_key(self, _: str) -> PublicKey | None:
        """None."""
        return None


def asked(
    folder: Path,
    client: Any,
    *,
    pinned: str = "",
    notes: Mapping[str, str] | None = None,
    sizes: Mapping[str, int] | None,
) -> tuple[SenderKeys, list[Any]]:
    """What is known of the sender's key, and what a person hears."""
    desk = Desk(folder)
    desk.campaign("first", phones(1), more="encrypted: true\n")
    if pinned:
        project = (desk.root / "zalosync.yaml").read_text(encoding="utf-8")
        key = f'batchSize: 100, publicKeys: {{"{SENDER}": "{pinned}"}}'
        desk.write("zalosync.yaml", project.replace("batchSize: 100", key))
    project_ = load_project(desk.root, environment=None, now=desk.now)
    heard: list[Any] = []
    found = fetch(
        cast("Reader", client),
        project_.campaigns,
        project_.environment,
        notes or {},
        sizes=sizes,
        emit=heard.append,
    )
    return found, heard


@pytest.mark.parametrize(
    ("pinned", "notes", "trusted"),
    [(PINNED, {}, PINNED), ("", {NOTE + SENDER: SEEN}, SEEN), (PINNED, {NOTE + SENDER: SEEN}, PINNED)],
    ids=["pinned", "seen", "both"],
)
def test_a_trusted_key_does_where_nobody_answers(
    tmp_path: Path, pinned: str, notes: dict[str, str], trusted: str
) -> None:
    """The plan is for that key and what fits into it, and says so; the provider's own key is not there."""
    found, heard = asked(tmp_path, Away(), pinned=pinned, notes=notes, sizes={SENDER: 2048})
    assert found.planned == {SENDER: SenderKey(190, trusted)}
    assert (found.keys, found.missing) == ({}, ())
    (warned,) = heard
    assert isinstance(warned, Warned)
    assert warned.code == "ZS657"


@pytest.mark.parametrize(
    ("pinned", "sizes"),
    [("", {SENDER: 2048}), (PINNED, {}), (PINNED, {"4097700000000000002": 2048}), (PINNED, None)],
    ids=["no key", "no size", "another's size", "must be asked"],
)
def test_a_key_that_is_not_known_whole(tmp_path: Path, pinned: str, sizes: dict[str, int] | None) -> None:
    """Then nothing is guessed: the provider must be reached."""
    with pytest.raises(StoppedEarly):
        asked(tmp_path, Away(), pinned=pinned, sizes=sizes)


def test_what_the_provider_says_goes_first(tmp_path: Path) -> None:
    """It has no key any more: that is planned for, whatever was seen before."""
    found, heard = asked(tmp_path, Without(), pinned=PINNED, sizes={SENDER: 2048})
    assert (found.missing, found.remembered, heard) == ((SENDER,), {}, [])
