"""Reports as the provider would send them, about messages of a test's ledger."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from tests.support.books import KEYS, NOON
from zalosync.compose.message import Maker, message_id_text
from zalosync.infobip.evidence import Page
from zalosync.provider import Channel, ProviderStatus, Report

MAKER = Maker(KEYS)
DELIVERED = ProviderStatus(3, "DELIVERED", 5, "DELIVERED_TO_HANDSET")
EXPIRED = ProviderStatus(4, "EXPIRED", 15, "EXPIRED_EXPIRED")
REJECTED = ProviderStatus(5, "REJECTED", 8, "REJECTED_PREFIX_MISSING")
PENDING = ProviderStatus(1, "PENDING", 7, "PENDING_ENROUTE")


def report(
    message_id: bytes | str,
    status: ProviderStatus | None = DELIVERED,
    *,
    sms: bool = False,
    proof: str | None = None,
    seconds: int = 0,
    price: int | None = 10_000,
    currency: str | None = "EUR",
) -> Report:
    """One report; without `proof` it shows what went out with its message."""
    text = message_id if isinstance(message_id, str) else message_id_text(message_id)
    if proof is None:
        proof = MAKER.proof(message_id) if isinstance(message_id, bytes) else ""
    done_at = NOON + timedelta(seconds=seconds)
    digest = sha256(f"{text} {status} {sms} {seconds} {price}".encode()).digest()[:16]
    channel = Channel.SMS if sms else Channel.ZALO
    return Report(text, channel, status, 0, NOON, done_at, price, currency, None, digest, proof)


def page(
    rows: Sequence[Report],
    *,
    complete: bool = True,
    throttled: float | None = None,
    date: datetime | None = NOON,
) -> Page:
    """One page of reports or log rows."""
    return Page(tuple(rows), 0, complete, date, throttled, b"")
