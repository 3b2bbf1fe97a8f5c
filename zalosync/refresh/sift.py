"""Which reports are about our messages and believable, and which are put aside. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from zalosync.compose.message import Maker, message_id_bytes
from zalosync.provider import Report


class Aside(IntEnum):
    """Why a report is put aside, and never used. The numbers are stored in inboxes: never renumber."""

    FOREIGN = 1  # of another system's message on the same account
    FORGED = 2  # without the proof that went out with the message
    ROGUE = 3  # of an id that our key made and our ledger does not know

    @property
    def word(self) -> str:
        """The name used in output and JSON."""
        return self.name.lower()


@dataclass(slots=True)
class Sifted:
    """Reports to be used, each with its message id, and those put aside, by why."""

    ours: list[tuple[bytes, Report]] = field(default_factory=list)
    aside: list[tuple[Aside, Report]] = field(default_factory=list)

    @property
    def proven(self) -> int:
        """Reports that show the proof that went out with their message."""
        return sum(bool(report.proof) for _, report in self.ours)


def sift(reports: Iterable[Report], maker: Maker, *, trusted: bool) -> Sifted:
    """Part reports.

    Args:
        reports: as they came.
        maker: knows this project's ids and proofs.
        trusted: whether the channel itself shows that the provider speaks: a call of ours, or a push with
            credentials. Otherwise each report must show its message's proof. A wrong proof is never taken.
    """
    found = Sifted()
    for report in reports:
        message_id, proof = message_id_bytes(report.message_id), report.proof
        if message_id is not None and proof and maker.proves(message_id, proof):
            found.ours.append((message_id, report))  # only our key proves, and only what it made
        elif message_id is None or not maker.made(message_id):
            found.aside.append((Aside.FOREIGN, report))
        elif trusted and not proof:
            found.ours.append((message_id, report))
        else:
            found.aside.append((Aside.FORGED, report))
    return found
