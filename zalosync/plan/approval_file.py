"""The file of approvals beside a plan: JSON lines, each under a MAC by the project's key.

Who cannot make a plan cannot approve one. A line that is not to the byte as it was written is refused.
"""

import hmac
import json
import os
import stat
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path

from zalosync.compose.message import Keys
from zalosync.errors import PlanRefused
from zalosync.ledger.chain import canonical
from zalosync.plan.approve import Approval, is_of
from zalosync.plan.bundle import Sealed
from zalosync.plan.signing import key_of

SUFFIX = ".approvals"
MAX_BYTES = 2**20
_OPEN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def approvals_path(plan: Path) -> Path:
    """Where the approvals of a plan's file are."""
    return plan.with_name(plan.name + SUFFIX)


def add_approval(plan: Path, sealed: Sealed, keys: Keys, approval: Approval) -> bool:
    """Append an approval, synced. The same person's second yes to the same plan changes nothing: False.

    Raises:
        PlanRefused: the file cannot be read, or would be too large.
    """
    for each in read_approvals(plan, keys):
        same = (each.digest, _spelled(each.name)) == (approval.digest, _spelled(approval.name))
        if same and is_of(each, sealed) and (not approval.signature or _one_key(each, approval)):
            return False
    path = approvals_path(plan)
    line = _line(keys, approval) + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _OPEN, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        if os.fstat(descriptor).st_size + len(line) > MAX_BYTES:
            raise _too_large(path)
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    return True


def _one_key(one: Approval, other: Approval) -> bool:
    """Whether both are signed, with the same key. Whether that is allowed to, may change."""
    try:
        return key_of(one.signature) == key_of(other.signature)
    except ValueError:
        return one.signature == other.signature


def _spelled(name: str) -> str:
    """A name without differences of case and white space. Names that only look alike are both kept."""
    return " ".join(unicodedata.normalize("NFKC", name).split()).casefold()


def read_approvals(plan: Path, keys: Keys) -> tuple[Approval, ...]:
    """The approvals beside a plan.

    Raises:
        PlanRefused: a line was changed, or made with another key; or the file is none, or too large.
    """
    path = approvals_path(plan)
    return tuple(_approval(path, number, line, keys) for number, line in enumerate(_lines(path), 1))


def _lines(path: Path) -> Sequence[bytes]:
    """What the file holds, through one descriptor: no link, no pipe, and no more than it may hold."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _OPEN)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise PlanRefused(
            f"{path.name} cannot be opened: {error.strerror}",
            fix="a file of approvals is no link; have the plan approved again",
            code="ZS542",
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise PlanRefused(f"{path.name} is no file", fix="have the plan approved again", code="ZS542")
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise _too_large(path)
    return data.splitlines()


def _approval(path: Path, number: int, line: bytes, keys: Keys) -> Approval:
    try:
        fields = json.loads(line)
        mac = str(fields.pop("mac"))
        approval = Approval(**{name: str(value) for name, value in fields.items()})
        same = hmac.compare_digest(mac.encode(), _mac(keys, approval).encode())
        written = _line(keys, approval)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _changed(path, number) from error
    if not same or line != written:
        raise _changed(path, number)
    return approval


def _line(keys: Keys, approval: Approval) -> bytes:
    return canonical({**asdict(approval), "mac": _mac(keys, approval)})


def _mac(keys: Keys, approval: Approval) -> str:
    data = canonical(asdict(approval))
    return blake2b(data, key=keys.plans, person=b"zs approval", digest_size=32).hexdigest()


def _changed(path: Path, number: int) -> PlanRefused:
    return PlanRefused(
        f"{path.name}:{number} was changed, or made with another key",
        fix="remove the line, and have the plan approved again",
        code="ZS542",
    )


def _too_large(path: Path) -> PlanRefused:
    return PlanRefused(
        f"{path.name} is larger than {MAX_BYTES:,} bytes", fix="have the plan approved again", code="ZS542"
    )
