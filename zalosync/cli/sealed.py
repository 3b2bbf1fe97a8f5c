"""Opening a sealed plan for use: whole, ours, for here and now, and approved."""

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
    """A sealed plan with the yeses that let it be applied."""

    sealed: "Sealed"
    approvals: "tuple[Approval, ...]"

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
                "signed": bool(each.signature),
            }
            for each in self.approvals
        ]


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
    return Approved(sealed, _approvals(session, file, sealed))


def _approvals(session: "Session", file: Path, sealed: "Sealed") -> "tuple[Approval, ...]":
    from zalosync.plan.approve import approvals_needed, check_approved, platform_approval, read_approvals
    from zalosync.plan.signing import verified

    return check_approved(
        sealed,
        read_approvals(file, session.keys),
        approvals_needed(session.project, sealed.to_send),
        session.authors(sealed.meaning["campaigns"]),
        lambda each, signers: verified(session.root, signers, each.name, each.signed_bytes, each.signature),
        platform_approval(session.environ, sealed.digest, session.clock.now()),
    )
