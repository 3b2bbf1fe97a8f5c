"""Opening a sealed plan for use: whole, ours, for here and now, and approved."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zalosync.cli.session import Session
    from zalosync.ledger.read import LedgerReader
    from zalosync.plan.approve import Approval
    from zalosync.plan.bundle import Sealed


@dataclass(frozen=True, slots=True)
class Approved:
    """A sealed plan with the yeses that let it be applied.

    Attributes:
        sealed: the plan.
        approvals: of it.
        keys: of those whose signature was checked and is good, the fingerprint of the key.
    """

    sealed: "Sealed"
    approvals: "tuple[Approval, ...]"
    keys: "Mapping[Approval, str]"

    @property
    def record(self) -> list[dict[str, Any]]:
        """The approvals as the run's record keeps them."""
        return [
            {
                "name": each.name,
                "at": each.at,
                "reason": each.reason,
                "commit": each.commit,
                "actor": each.actor,
                **self._signature(each),
            }
            for each in self.approvals
        ]

    def _signature(self, approval: "Approval") -> dict[str, Any]:
        """What proves a signature: whose it is by the file of allowed signers, the key, and its digest."""
        key = self.keys.get(approval, "")
        if not key:
            return {"signed": False}
        digest = hashlib.sha256(approval.signature.encode()).hexdigest()
        return {"signed": True, "principal": approval.name, "key": key, "signature": f"sha256:{digest}"}


def open_sealed(session: "Session", base_url: str, file: Path, reader: "LedgerReader") -> Approved:
    """A sealed plan that may be applied to this environment, on this ledger, now.

    Raises:
        PlanRefused: it is damaged, foreign, expired, consumed, or the ledger moved on.
        Blocked: approvals are missing.
    """
    from zalosync.plan.bundle import unseal
    from zalosync.plan.check import check_usable

    sealed = unseal(file, session.keys)
    check_usable(sealed, session.project.environment_name, base_url, reader, session.clock.now())
    return _approved(session, file, sealed)


def _approved(session: "Session", file: Path, sealed: "Sealed") -> Approved:
    given = Given(session, file, sealed)
    return Approved(sealed, approvals := given.enough(), given.keys(approvals))


class Given:
    """What approvals lie beside a plan, held against what its environment's policies ask for.

    Args:
        session: in the plan's environment.
        file: of the plan.
        sealed: the plan.

    Attributes:
        approvals: all that lie there.
    """

    def __init__(self, session: "Session", file: Path, sealed: "Sealed") -> None:
        from zalosync.plan.approval_file import read_approvals

        self._session = session
        self._sealed = sealed
        self._checked: dict[tuple[Approval, str], str] = {}
        self.approvals = read_approvals(file, session.keys)

    def enough(self) -> "tuple[Approval, ...]":
        """Those that count for the plan.

        Raises:
            Blocked: more, or others, are asked for.
        """
        from zalosync.plan.approve import approvals_needed, check_approved, platform_approval

        session, sealed = self._session, self._sealed
        return check_approved(
            sealed,
            self.approvals,
            approvals_needed(session.project, sealed.contacts),
            session.authors(sealed.meaning["campaigns"]),
            self._key,
            platform_approval(session.environ, sealed.digest, session.clock.now()),
        )

    def keys(self, approvals: "Iterable[Approval]") -> "dict[Approval, str]":
        """Of those whose signature is good by a policy's file of signers, the fingerprint of the key."""
        from zalosync.plan.signing import signers_of

        policies = self._session.project.policies
        files = [signers for loaded in policies if (signers := signers_of(loaded)) is not None]
        signed = [each for each in approvals if each.signature]
        found = {each: [key for signers in files if (key := self._key(each, signers))] for each in signed}
        return {each: keys[0] for each, keys in found.items() if keys}

    def _key(self, each: "Approval", signers: str) -> str:
        from zalosync.plan.signing import verified

        if (each, signers) not in self._checked:
            root = self._session.root
            found = verified(root, signers, each.name, each.signed_bytes, each.signature)
            self._checked[each, signers] = found
        return self._checked[each, signers]
