"""The sealed plan: one file that says what may be sent, made by who holds the project's key.

A zip with exactly two stored members and fixed dates, `plan.json` (canonical JSON) and `messages` (per
campaign, in the order of `plan.json`: messages, fingerprints, actions; then the held messages that are to be
cancelled, likewise). A file that is not byte for byte what sealing its own content gives is refused, so
there is one file for one plan and nothing hides in it.
"""

import hmac
import io
import json
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

from zalosync.compose.message import Keys
from zalosync.errors import PlanRefused
from zalosync.ledger.chain import canonical
from zalosync.plan.decide import Action
from zalosync.plan.messages import WIDTHS, PlannedMessages
from zalosync.plan.shape import Plan, cancel_of, contacts_of

FORMAT = "zalosync-plan/2"
EXPIRES = timedelta(hours=24)
MAX_BYTES = 4 * 2**30
MAX_HEADER_BYTES = 16 * 2**20
HEADER, MESSAGES = "plan.json", "messages"
_DATE = (1980, 1, 1, 0, 0, 0)
# What reading an archive or a document raises that is not as it was written; all that `zipfile` is known for.
_BROKEN = (
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A plan as read from its file, its seal checked.

    Attributes:
        document: `plan.json`.
        messages: by campaign's first name.
        cancels: held messages to be cancelled, by campaign's first name.
    """

    document: Mapping[str, Any]
    messages: Mapping[str, PlannedMessages]
    cancels: Mapping[str, PlannedMessages] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """What approvals and runs name."""
        return str(self.document["digest"])

    @property
    def expires_at(self) -> datetime:
        """Not to be applied from then on."""
        return datetime.fromisoformat(self.document["expires_at"])

    @property
    def to_send(self) -> int:
        """Messages that applying it would submit."""
        return sum(messages.to_send for messages in self.messages.values())

    @property
    def contacts(self) -> int:
        """How often somebody may be contacted: the SMS of a failover is a second message."""
        names = [campaign["name"] for campaign in self.meaning["campaigns"]]
        return contacts_of(self.meaning, (self.messages[name].to_send for name in names))

    @property
    def to_cancel(self) -> int:
        """Held messages that applying it would cancel."""
        return sum(messages.count for messages in self.cancels.values())

    @property
    def meaning(self) -> Mapping[str, Any]:
        """What the plan is bound to."""
        meaning: Mapping[str, Any] = self.document["meaning"]
        return meaning


def document_of(plan: Plan, record: Mapping[str, Any]) -> dict[str, Any]:
    """`plan.json` without its MAC.

    Args:
        plan: what was planned.
        record: for readers: actor, commit, counts, findings. Under the MAC, not in the digest.
    """
    return {
        "format": FORMAT,
        "digest": plan.digest,
        "meaning": plan.meaning,
        "created_at": plan.created_at.astimezone(UTC).isoformat(timespec="seconds"),
        "expires_at": (plan.created_at + EXPIRES).astimezone(UTC).isoformat(timespec="seconds"),
        "ledger_seq": plan.head.seq,
        "ledger_hash": plan.head.hash.hex(),
        "record": dict(record),
    }


def seal(path: Path, plan: Plan, keys: Keys, record: Mapping[str, Any]) -> None:
    """Write a plan's file: aside, synced, renamed."""
    document = document_of(plan, record)
    header = canonical({**document, "mac": _mac(keys, document)})
    aside = path.with_name(path.name + ".new")
    with aside.open("wb") as file:
        campaigns = [campaign.messages for campaign in plan.campaigns]
        _write(_Forward(file.write), header, [*campaigns, *plan.cancels.values()])
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)


def unseal(path: Path, keys: Keys) -> Sealed:
    """Read a plan's file and check that it is whole, canonical and made with this key.

    Raises:
        PlanRefused: it is not.
    """
    with _opened(path) as file:
        document, mac = _header(file, path)
        if not hmac.compare_digest(str(mac), _mac(keys, document)):
            raise PlanRefused(
                f"{path.name} was changed, or made with another key",
                fix="plan again with the project's key",
                code="ZS531",
            )
        try:
            messages, cancels = _messages(file, document)
        except _BROKEN as error:
            raise _damaged(path) from error
        _check_bytes(file, path, {**document, "mac": mac}, [*messages.values(), *cancels.values()])
    sealed = Sealed(document, messages, cancels)
    if _digest(sealed) != sealed.digest:
        raise _damaged(path)
    return sealed


def _digest(sealed: Sealed) -> str:
    import hashlib

    actions = [sealed.messages[campaign["name"]].digest("action") for campaign in sealed.meaning["campaigns"]]
    for campaign in sealed.meaning["campaigns"]:
        if sealed.messages[campaign["name"]].digest("message", "fingerprint") != campaign["messages"]:
            return ""
    if [cancel_of(name, messages) for name, messages in sealed.cancels.items()] != _cancels(sealed.meaning):
        return ""
    return "sha256:" + hashlib.sha256(canonical([sealed.meaning, actions])).hexdigest()


def _mac(keys: Keys, document: Mapping[str, Any]) -> str:
    return blake2b(canonical(document), key=keys.plans, person=b"zs plan seal", digest_size=32).hexdigest()


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _DATE)
    info.create_system, info.external_attr = 3, 0o600 << 16
    return info


def _write(file: "_Forward", header: bytes, campaigns: list[PlannedMessages]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_info(HEADER), header)
        info = _info(MESSAGES)
        info.file_size = sum(planned.count for planned in campaigns) * sum(WIDTHS.values())
        with archive.open(info, "w") as member:
            for planned in campaigns:
                for name in WIDTHS:
                    for block in planned.blocks(name):
                        member.write(block)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """One descriptor for every look at the file, so that it cannot be swapped between two of them."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise PlanRefused(
            f"there is no plan {path}", fix="make one: `zalosync plan -o FILE`", code="ZS532"
        ) from error
    except OSError as error:
        raise PlanRefused(f"{path} cannot be opened: {error.strerror}", code="ZS532") from error
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        os.close(descriptor)
        raise PlanRefused(f"{path} is no file", fix="name the plan's file", code="ZS532")
    if facts.st_size > MAX_BYTES:
        os.close(descriptor)
        raise _damaged(path)
    with os.fdopen(descriptor, "rb") as file:
        yield file


def _header(file: IO[bytes], path: Path) -> tuple[dict[str, Any], Any]:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if [member.filename for member in members] != [HEADER, MESSAGES]:
                raise _damaged(path)
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise _damaged(path)
            if members[0].file_size > MAX_HEADER_BYTES:
                raise _damaged(path)
            document = json.loads(archive.read(HEADER), object_pairs_hook=_once)
    except _BROKEN as error:
        raise _damaged(path) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise PlanRefused(
            f"{path.name} is not a plan of this version ({FORMAT})", fix="plan again", code="ZS533"
        )
    mac = document.pop("mac", "")
    return document, mac


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _messages(
    file: IO[bytes], document: Mapping[str, Any]
) -> tuple[dict[str, PlannedMessages], dict[str, PlannedMessages]]:
    with zipfile.ZipFile(file) as archive, archive.open(MESSAGES) as member:
        sent, cancelled = (
            {str(each["name"]): PlannedMessages.read(member, int(each["count"])) for each in named}
            for named in (document["meaning"]["campaigns"], _cancels(document["meaning"]))
        )
        if member.read(1):
            raise ValueError("there are more messages than the plan says")
    if any(set(+each.actions) - {Action.CANCEL} for each in cancelled.values()):
        raise ValueError("what is to be cancelled has another action")
    return sent, cancelled


def _cancels(meaning: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a plan would cancel; most cancel nothing, and say nothing of it."""
    return list(meaning.get("cancels", ()))


def _check_bytes(
    file: IO[bytes], path: Path, document: Mapping[str, Any], messages: list[PlannedMessages]
) -> None:
    """Seal the content again and hold it against the file, block by block."""
    file.seek(0)
    same = True

    def compare(block: bytes) -> None:
        nonlocal same
        same = same and file.read(len(block)) == block

    _write(_Forward(compare), canonical(document), messages)
    if not same or file.read(1):
        raise _damaged(path)


class _Forward(io.RawIOBase):
    """A file that can only be written forwards, so that the archive is the same bytes wherever it goes."""

    def __init__(self, take: Callable[[bytes], object]) -> None:
        super().__init__()
        self._take = take

    def writable(self) -> bool:
        """Yes; and neither read nor sought."""
        return True

    def write(self, data: Any) -> int:
        """Pass a block on."""
        block = bytes(data)
        self._take(block)
        return len(block)


def _damaged(path: Path) -> PlanRefused:
    return PlanRefused(
        f"{path.name} is not byte for byte a sealed plan: it is damaged or was changed",
        fix="plan again",
        code="ZS534",
    )
