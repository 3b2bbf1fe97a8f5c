"""What `apply` needs of `refresh`: a way to settle unknown messages, handed over as a function."""

from collections.abc import Callable

from zalosync.cli.session import Session
from zalosync.events import Emit, Settled
from zalosync.ledger.store import Ledger
from zalosync.refresh.logs import HasLogs, settle
from zalosync.refresh.throttle import LogThrottle


def settler(session: Session, client: HasLogs, emit: Emit, *, wait: bool) -> Callable[[Ledger], Settled]:
    """Settling from the provider's logs, within the account's limit."""
    throttle = LogThrottle(
        session.home.folder / f"{session.home.environment}.logs-throttle",
        session.project.environment.logs_per_minute,
    )
    return lambda ledger: settle(client, ledger, throttle, session.clock, emit, wait=wait)
