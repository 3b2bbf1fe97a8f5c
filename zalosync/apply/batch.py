"""One request's messages, cut from a campaign's desired ones. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from zalosync.apply.classify import Sent
from zalosync.compose.message import bulk_id
from zalosync.compose.spelling import message_id_texts
from zalosync.ledger.records import Claim, Recorded
from zalosync.plan.pace import Slot, Slots

CANARY = 20  # messages in the first request of a run: its answer must be well-formed before more go out
LATE = timedelta(
    seconds=1
)  # what a request may be behind its slot: commits and the way to the wire take time
T = TypeVar("T")


class Letter(NamedTuple):
    """One message ready to be sealed: what the ledger learns of it, and what its recipient sees.

    A tuple, as there is one for each message that is sent.
    """

    claim: Claim
    phone: str
    values: Mapping[str, str]
    failover: str | None = None

    def __repr__(self) -> str:
        return f"Letter(claim={self.claim!r})"


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """The letters of one request.

    Attributes:
        order: what they share: how the campaign's requests are made.
        send_at: when the provider is to send them, or None: at once.
        slot: the time they take up under the campaign's speed limit, or None where it has none.
        earliest: not before this do we send them ourselves, or None.
        slots: of their campaign, where another slot comes from if this one is missed.
    """

    order: T
    letters: tuple[Letter, ...]
    send_at: datetime | None = None
    slot: Slot | None = None
    earliest: datetime | None = None
    slots: Slots | None = field(default=None, repr=False, compare=False)

    @property
    def bulk(self) -> str:
        """The bulk id: the same letters give the same one."""
        return bulk_id(self._ids)

    @property
    def ids(self) -> list[str]:
        """The message ids as they are on the wire."""
        return message_id_texts(self._ids)

    @property
    def sent(self) -> tuple[Sent, ...]:
        """What the answer is held against."""
        return tuple([Sent(text, one.phone) for text, one in zip(self.ids, self.letters, strict=True)])

    @property
    def claims(self) -> list[Claim]:
        """What the ledger is asked to take."""
        return [letter.claim for letter in self.letters]

    @property
    def _ids(self) -> list[bytes]:
        return [letter.claim.message_id for letter in self.letters]

    def missed(self, now: datetime) -> bool:
        """Whether their slot began without them: sent now, they would go out beside those of the next one."""
        return self.slot is not None and self.slot.start + LATE < now

    def put_off(self, now: datetime) -> "Batch[T] | None":
        """The same letters in the next free slot, or None where none ends before their campaign does."""
        assert self.slots is not None
        slot = self.slots.later(len(self.letters), now)
        if slot is None:
            return None
        if self.earliest is not None:
            return replace(self, slot=slot, earliest=slot.start)
        return replace(self, slot=slot, send_at=slot.start if slot.start > now else None)

    def again(self, released: Sequence[Recorded]) -> "Batch[T]":
        """The same batch to be claimed once more: the same messages, attempts and ids."""
        letters = (
            letter._replace(claim=letter.claim._replace(before=before))
            for letter, before in zip(self.letters, released, strict=True)
        )
        return replace(self, letters=tuple(letters))
