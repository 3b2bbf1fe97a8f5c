"""Opening a sealed plan for use: whole, ours, for here and now, and approved."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
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
    from zalosync.plan.approval_file import read_approvals
    from zalosync.plan.approve import approvals_needed, check_approved, platform_approval
    from zalosync.plan.signing import signers_of, verified

    @cache
    def key_of(each: "Approval", signers: str) -> str:
        return verified(session.root, signers, each.name, each.signed_bytes, each.signature)

    approvals = check_approved(
        sealed,
        read_approvals(file, session.keys),
        approvals_needed(session.project, sealed.contacts),
        session.authors(sealed.meaning["campaigns"]),
        key_of,
        platform_approval(session.environ, sealed.digest, session.clock.now()),
    )
    files = [signers for loaded in session.project.policies if (signers := signers_of(loaded)) is not None]
    signed = [each for each in approvals if each.signature]
    found = {each: [key for signers in files if (key := key_of(each, signers))] for each in signed}
    return Approved(sealed, approvals, {each: keys[0] for each, keys in found.items() if keys})
