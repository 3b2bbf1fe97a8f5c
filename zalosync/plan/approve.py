"""Approvals: named people's yes to exactly one plan, kept in a file beside it and in the ledger when applied.

A file of JSON lines, each under a MAC by the project's key: who cannot make a plan cannot approve one.
"""

import hmac
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from zalosync.compose.message import Keys
from zalosync.errors import Blocked, PlanRefused
from zalosync.ledger.chain import canonical
from zalosync.plan.bundle import Sealed
from zalosync.spec.loaded import LoadedProject

SUFFIX = ".approvals"
MAX_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes.

    Attributes:
        digest: of the plan.
        name: of the person, as said.
        at: ISO 8601, UTC.
        reason: as said; never personal data.
        commit: of the person's checkout, where there is one.
    """

    digest: str
    name: str
    at: str
    reason: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Needed:
    """How many approvals a plan needs, and from whom not; `by` says which rule asks."""

    count: int
    not_authors: frozenset[str]
    by: str


def approvals_path(plan: Path) -> Path:
    """Where the approvals of a plan's file are."""
    return plan.with_name(plan.name + SUFFIX)


def add_approval(plan: Path, keys: Keys, approval: Approval) -> None:
    """Append an approval, synced. The same person's second yes to the same plan changes nothing."""
    if any(
        each.name == approval.name and each.digest == approval.digest for each in read_approvals(plan, keys)
    ):
        return
    line = canonical({**asdict(approval), "mac": _mac(keys, approval)}) + b"\n"
    descriptor = os.open(approvals_path(plan), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def read_approvals(plan: Path, keys: Keys) -> tuple[Approval, ...]:
    """The approvals beside a plan.

    Raises:
        PlanRefused: a line was changed, or made with another key.
    """
    path = approvals_path(plan)
    if not path.exists():
        return ()
    found = []
    for number, line in enumerate(path.read_bytes()[:MAX_BYTES].splitlines(), 1):
        try:
            fields = json.loads(line)
            mac = str(fields.pop("mac"))
            approval = Approval(**{name: str(value) for name, value in fields.items()})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _changed(path, number) from error
        if not hmac.compare_digest(mac, _mac(keys, approval)):
            raise _changed(path, number)
        found.append(approval)
    return tuple(found)


def check_approved(
    sealed: Sealed, approvals: Iterable[Approval], needed: Sequence[Needed]
) -> tuple[Approval, ...]:
    """The approvals of exactly this plan, if they are enough.

    Raises:
        Blocked: too few, or too few who are not an author.
    """
    own = tuple(approval for approval in approvals if approval.digest == sealed.digest)
    other = [approval for approval in approvals if approval.digest != sealed.digest]
    for rule in needed:
        names = {approval.name for approval in own if approval.name not in rule.not_authors}
        if len(names) < rule.count:
            stale = f"; {len(other)} approvals here are of another plan" if other else ""
            author = " who is not an author of it" if rule.not_authors else ""
            raise Blocked(
                f"the plan needs {rule.count} approval(s){author} and has {len(names)} ({rule.by}){stale}",
                fix="`zalosync approve FILE --as NAME`, by as many people",
                code="ZS541",
            )
    return own


def approval_of(sealed: Sealed, name: str, reason: str, commit: str, now: datetime) -> Approval:
    """A yes to a plan, now.

    Raises:
        PlanRefused: the plan has expired.
    """
    if now >= sealed.expires_at:
        raise PlanRefused("the plan has expired", fix="plan again", code="ZS536")
    return Approval(sealed.digest, name, f"{now:%Y-%m-%dT%H:%M:%SZ}", reason, commit)


def _mac(keys: Keys, approval: Approval) -> str:
    data = canonical(asdict(approval))
    return blake2b(data, key=keys.plans, person=b"zs approval", digest_size=32).hexdigest()


def _changed(path: Path, number: int) -> PlanRefused:
    return PlanRefused(
        f"{path.name}:{number} was changed, or made with another key",
        fix="remove the line, and have the plan approved again",
        code="ZS542",
    )


def approvals_needed(project: LoadedProject, to_send: int, authors: frozenset[str]) -> list[Needed]:
    """How many approvals a plan of this size needs; without a policy a protected environment needs one."""
    needed = [
        Needed(
            rule.count,
            authors if rule.not_author else frozenset(),
            f"above {rule.above:,} messages, approvals in {loaded.file}",
        )
        for loaded in project.policies
        for rule in loaded.policy.spec.approvals
        if to_send > rule.above
    ]
    said = any(loaded.policy.spec.approvals for loaded in project.policies)
    if project.environment.protected and not said:
        needed.append(Needed(1, frozenset(), "the environment is protected"))
    return needed
