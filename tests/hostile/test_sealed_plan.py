"""A sealed plan is taken byte for byte as it was sealed, where it was made for, once, or refused (S8)."""

import io
import json
import os
import warnings
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.support.desk import KEYS, NOON, Desk, phones
from zalosync.compose.message import Keys, Status
from zalosync.errors import ExitCode, PlanRefused
from zalosync.ledger.records import Kind
from zalosync.plan.bundle import HEADER, MAX_BYTES, MESSAGES, Sealed, _Forward, seal, unseal
from zalosync.plan.check import check_usable

pytestmark = pytest.mark.hostile

HERE = ("here", "sandbox")
HOLD = 'schedule: {mode: hold, sendAt: "2026-12-02T09:00:00+07:00"}\n'


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A project with two campaigns."""
    made = Desk(tmp_path)
    made.campaign("bill", phones(5))
    made.campaign("tet", phones(4))
    yield made
    made.ledger.close()


@pytest.fixture
def path(desk: Desk) -> Path:
    """Its sealed plan."""
    return sealed(desk, "a.zsplan")


def sealed(desk: Desk, name: str, keys: Keys = KEYS) -> Path:
    """Seal a plan of everything."""
    with desk.plan() as plan:
        seal(desk.root / name, plan, keys, {"actor": "test"})
    return desk.root / name


def refusal(path: Path) -> PlanRefused:
    """Why a file is refused; fails where it is not."""
    with pytest.raises(PlanRefused) as caught:
        unseal(path, KEYS)
    assert caught.value.exit_code is ExitCode.PLAN
    return caught.value


def usable(found: Sealed, desk: Desk, at: timedelta = timedelta(0)) -> None:
    """Hold a plan against here and now."""
    check_usable(found, *HERE, desk.ledger, NOON + at)


def test_whole(desk: Desk, path: Path) -> None:
    """What was sealed is taken, and sealing it again gives the same bytes."""
    found = unseal(path, KEYS)
    usable(found, desk)
    assert found.to_send == 9
    assert sealed(desk, "b.zsplan").read_bytes() == path.read_bytes()


def test_cut_at_every_byte(path: Path) -> None:
    """However much of a file is missing, it is refused."""
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        refusal(path)


@pytest.mark.parametrize(
    "bits", [pytest.param(1, id="a bit"), pytest.param(8, id="all bits", marks=pytest.mark.nightly)]
)
def test_flipped_at_every_byte(path: Path, bits: int) -> None:
    """Whichever byte differs, and be it by a bit, the file is refused."""
    data = bytearray(path.read_bytes())
    for place in range(len(data)):
        for bit in range(bits):
            mask = 1 << ((place + bit) % 8)
            data[place] ^= mask
            path.write_bytes(data)
            refusal(path)
            data[place] ^= mask


def members(path: Path) -> tuple[bytes, bytes]:
    """The two members of a plan."""
    with zipfile.ZipFile(path) as archive:
        return archive.read(HEADER), archive.read(MESSAGES)


def archive(*parts: tuple[str, bytes], compress: int = zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
    """A zip of these members, written forwards as a plan is."""
    stream = io.BytesIO()
    with (
        warnings.catch_warnings(action="ignore"),  # a name twice
        zipfile.ZipFile(_Forward(stream.write), "w", compress) as made,
    ):
        made.comment = comment
        for name, data in parts:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = compress
            info.create_system, info.external_attr = 3, 0o600 << 16
            if name == MESSAGES:
                info.file_size = len(data)
                with made.open(info, "w") as member:
                    member.write(data)
            else:
                made.writestr(info, data)
    return stream.getvalue()


def twice(header: bytes) -> bytes:
    """A header that names a key twice, the second time as it was."""
    return header.replace(b'{"created_at"', b'{"digest":"sha256:00","created_at"', 1)


TRICKS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "an extra member": lambda h, m: archive((HEADER, h), (MESSAGES, m), ("more", b"x")),
    "a member twice": lambda h, m: archive((HEADER, h), (MESSAGES, m), (HEADER, h)),
    "the header alone": lambda h, _: archive((HEADER, h)),
    "the messages alone": lambda _, m: archive((MESSAGES, m)),
    "members swapped": lambda h, m: archive((MESSAGES, m), (HEADER, h)),
    "members' contents swapped": lambda h, m: archive((HEADER, m), (MESSAGES, h)),
    "a name that leaves the folder": lambda h, m: archive((f"../{HEADER}", h), (MESSAGES, m)),
    "an absolute name": lambda h, m: archive((f"/{HEADER}", h), (MESSAGES, m)),
    "a name in other letters": lambda h, m: archive((HEADER.upper(), h), (MESSAGES, m)),
    "a NUL in a name": lambda h, m: archive((HEADER, h), (MESSAGES, m)).replace(b"plan.json", b"plan.jso\0"),
    "compressed members": lambda h, m: archive((HEADER, h), (MESSAGES, m), compress=zipfile.ZIP_DEFLATED),
    "a comment": lambda h, m: archive((HEADER, h), (MESSAGES, m), comment=b"approved"),
    "something before": lambda h, m: b"#!/bin/sh\n" + archive((HEADER, h), (MESSAGES, m)),
    "something behind": lambda h, m: archive((HEADER, h), (MESSAGES, m)) + b"\n",
    "two archives in one": lambda h, m: archive((HEADER, h), (MESSAGES, m)) * 2,
    "an empty archive": lambda _h, _m: archive(),
    "no messages": lambda h, _: archive((HEADER, h), (MESSAGES, b"")),
    "a message more": lambda h, m: archive((HEADER, h), (MESSAGES, m + m[-33:])),
    "a message less": lambda h, m: archive((HEADER, h), (MESSAGES, m[:-33])),
    "messages in another order": lambda h, m: archive((HEADER, h), (MESSAGES, m[16:32] + m[:16] + m[32:])),
    "an action that is none": lambda h, m: archive((HEADER, h), (MESSAGES, m[:-1] + b"\xff")),
    "a key twice": lambda h, m: archive((HEADER, twice(h)), (MESSAGES, m)),
    "white space": lambda h, m: archive((HEADER, b" " + h), (MESSAGES, m)),
    "another spelling": lambda h, m: archive((HEADER, json.dumps(json.loads(h)).encode()), (MESSAGES, m)),
    "no JSON": lambda _, m: archive((HEADER, b"plan"), (MESSAGES, m)),
    "a list": lambda _, m: archive((HEADER, b"[]"), (MESSAGES, m)),
    "deep JSON": lambda _, m: archive((HEADER, b"[" * 100_000), (MESSAGES, m)),
    "another format": lambda h, m: archive((HEADER, h.replace(b"plan/2", b"plan/1")), (MESSAGES, m)),
    "no MAC": lambda h, m: archive((HEADER, h.replace(b'"mac":', b'"was":')), (MESSAGES, m)),
    "a later end": lambda h, m: archive((HEADER, h.replace(b'_at":"2026', b'_at":"2036')), (MESSAGES, m)),
    "another sender": lambda h, m: archive((HEADER, h.replace(b"97700000", b"97700001")), (MESSAGES, m)),
    "no bytes": lambda _h, _m: b"",
    "another file": lambda _h, _m: b"apiVersion: zalosync/v1\n",
}  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_tricks(path: Path, trick: str) -> None:
    """Whatever is done to the archive or in it, it is refused, and the error quotes nothing of it."""
    changed = TRICKS[trick](*members(path))
    assert changed != path.read_bytes()
    path.write_bytes(changed)
    assert refusal(path).code in {"ZS531", "ZS533", "ZS534"}


def test_the_harness_makes_the_same_archive(path: Path) -> None:
    """The tricks' archive without a trick is a plan: so it is the trick that is refused."""
    header, messages = members(path)
    path.write_bytes(archive((HEADER, header), (MESSAGES, messages)))
    unseal(path, KEYS)


def test_what_is_to_be_cancelled_is_sealed_too(desk: Desk) -> None:
    """No byte of the held messages that a plan cancels can be another one."""
    desk.campaign("gone", phones(3), more=HOLD)
    desk.send("gone", state=Status.HELD)
    (desk.root / "campaigns" / "gone.yaml").unlink()
    path = sealed(desk, "a.zsplan")
    header, messages = members(path)
    assert unseal(path, KEYS).to_cancel == 3
    for place in range(len(messages) - 3 * 33, len(messages)):
        changed = bytearray(messages)
        changed[place] ^= 1
        path.write_bytes(archive((HEADER, header), (MESSAGES, bytes(changed))))
        refusal(path)


def test_places_that_are_no_files(desk: Desk, path: Path) -> None:
    """A link, a folder, a pipe and a file too large are refused at once; a pipe holds nobody up."""
    link, folder, pipe, large = (desk.root / name for name in ("link", "folder", "pipe", "large"))
    link.symlink_to(path)
    folder.mkdir()
    os.mkfifo(pipe)
    with large.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    for each in (link, folder, pipe, large, desk.root / "missing"):
        refusal(each)


def test_made_with_another_key(desk: Desk) -> None:
    """Only who holds the project's key makes a plan that applies."""
    assert refusal(sealed(desk, "b.zsplan", Keys(b"o" * 32))).code == "ZS531"


def test_swapped_between_check_and_use(desk: Desk, path: Path) -> None:
    """Two plans change places all the time: what is read is the one or the other, whole."""
    first = unseal(path, KEYS)
    desk.campaign("more", phones(3))
    second = unseal(sealed(desk, "b.zsplan"), KEYS)
    both = [path.read_bytes(), (desk.root / "b.zsplan").read_bytes()]
    known = {found.digest: found.to_send for found in (first, second)}
    done = Event()

    def swap() -> None:
        number = 0
        while not done.is_set():
            number += 1
            aside = desk.root / "aside"
            aside.write_bytes(both[number % 2])
            aside.rename(path)

    swapping = Thread(target=swap)
    swapping.start()
    try:
        seen = [unseal(path, KEYS) for _ in range(150)]
        while {found.digest for found in seen} != set(known):
            seen.append(unseal(path, KEYS))
    finally:
        done.set()
        swapping.join()
    assert {found.digest for found in seen} == set(known)
    assert all(found.to_send == known[found.digest] for found in seen)


@pytest.mark.parametrize(
    ("where", "code"),
    [
        (("production", "sandbox"), "ZS535"),
        (("here", "https://abc123.api.infobip.com"), "ZS535"),
    ],
)
def test_elsewhere(desk: Desk, path: Path, where: tuple[str, str], code: str) -> None:
    """Another environment, or the same name with another address."""
    with pytest.raises(PlanRefused) as caught:
        check_usable(unseal(path, KEYS), *where, desk.ledger, NOON)
    assert caught.value.code == code


def test_expired(desk: Desk, path: Path) -> None:
    """It lives for 24 hours, to the second."""
    found = unseal(path, KEYS)
    usable(found, desk, timedelta(hours=24, seconds=-1))
    with pytest.raises(PlanRefused) as caught:
        usable(found, desk, timedelta(hours=24))
    assert caught.value.code == "ZS536"


def test_replayed(desk: Desk, path: Path) -> None:
    """Once it was used up it is refused for ever, and so is a plan from before what was sent since."""
    found = unseal(path, KEYS)
    desk.send()
    with pytest.raises(PlanRefused) as caught:
        usable(found, desk)
    assert caught.value.code == "ZS537"
    desk.campaign("more", phones(3))
    later = unseal(sealed(desk, "b.zsplan"), KEYS)
    usable(later, desk)
    desk.send("more")
    with pytest.raises(PlanRefused) as caught:
        usable(later, desk)
    assert caught.value.code == "ZS540"


def test_another_lineage(desk: Desk, path: Path) -> None:
    """A plan of another ledger: its lineage differs, or its history does."""
    found = unseal(path, KEYS)
    with desk.ledger.change(Kind.NOTE, NOON) as change:
        change.note("lineage", "other")
    with pytest.raises(PlanRefused) as caught:
        usable(found, desk)
    assert caught.value.code == "ZS538"
    desk.campaign("more", phones(3))
    newer = unseal(sealed(desk, "b.zsplan"), KEYS)
    with desk.ledger.change(Kind.NOTE, NOON) as change:
        change.note("lineage", "desk")
    fork = Desk(desk.root / "fork")
    with fork.ledger.change(Kind.NOTE, NOON + timedelta(seconds=1)) as change:
        change.note("lineage", "other")
    with pytest.raises(PlanRefused) as caught:
        usable(newer, fork)
    assert caught.value.code == "ZS539"
    fork.ledger.close()
