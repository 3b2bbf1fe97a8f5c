"""A message: its identity, its ids, its states and the legal moves between them.

Everything here is pure. Identities are keyed, so that nobody without the project's key can guess a
phone number back from a ledger or a plan; they depend on the key file and the spec only, never on the
ledger or a random source, so that a lost ledger yields the same ids again.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import orjson

# From the letters of base32 to the digits that `int` reads to that base; everything else is no digit.
_BASE32 = dict(zip(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHIJKLMNOPQRSTUV", strict=True))
_BASE32_DIGITS = bytes(_BASE32.get(letter, 0) for letter in range(256))
KEY_BYTES = 32
DIGEST_BYTES = 16
MESSAGE_ID_BYTES = 20
MARK_BYTES = 4  # the end of a message id, by which its maker knows it again
PROOF_CHARACTERS = 22  # what 16 bytes are in base64
MESSAGE_ID_CHARACTERS = 32  # what 20 bytes are in base32
MESSAGE_ID_PREFIX = "zs1-"
BULK_ID_PREFIX = "zs1b-"


class Status(IntEnum):
    """Where a recorded message stands. The numbers are stored in ledgers: never renumber."""

    INTENT = 1
    UNKNOWN = 2
    ABANDONED = 3
    ACCEPTED = 4
    REJECTED = 5
    UNDELIVERABLE = 6
    EXPIRED = 7
    DELIVERED = 8
    HELD = 9
    CANCELLED = 10
    RELEASED = 11  # an intent that was proven not sent; the message may be claimed again

    @property
    def word(self) -> str:
        """The name used in output and JSON."""
        return self.name.lower()


class Cause(IntEnum):
    """Why a message stands where it stands. The numbers are stored in ledgers: never renumber."""

    NONE = 0
    NOANSWER = 1  # no whole answer came
    WRITE = 2  # the request broke off while it was written
    MALFORMED = 3  # a success that is not one of the provider's answers
    MISSING = 4  # the answer left this message out
    UNRECOGNISED = 5  # a status that is not in the published table, in a final group
    INTERMEDIARY = 6  # a refusal without the provider's error body: somebody between us answered
    HTTP = 7  # a status code that proves nothing
    INTERRUPTED = 8  # a signal ended the wait for the answer
    ORPHANED = 9  # the run that wrote the intent is dead
    DUPLICATE = 10  # the provider knew the id already
    HANDED_OVER = 11  # at the operator, not yet at the handset
    RAW = 12  # a status id that is not in the published table, in a pending group or a report
    DECIDED = 13  # a named person decided
    REFUSED = 14  # the whole request was refused, with proof
    NOT_CONNECTED = 15  # nothing left this machine, with proof
    FENCED = 16  # the fence stopped it before the wire
    ADOPTED = 17  # taken over from before the ledger

    @property
    def word(self) -> str:
        """The name used in output and JSON."""
        return self.name.lower().replace("_", "-")


# Evidence can only raise a status along this rank (protocol: merging is a maximum).
RANK: Mapping[Status, int] = {
    Status.HELD: 0,
    Status.CANCELLED: 0,
    Status.RELEASED: 0,
    Status.INTENT: 1,
    Status.UNKNOWN: 2,
    Status.ABANDONED: 2,
    Status.ACCEPTED: 3,
    Status.REJECTED: 4,
    Status.UNDELIVERABLE: 4,
    Status.EXPIRED: 4,
    Status.DELIVERED: 5,
}

_EVIDENCE = frozenset(
    {Status.ACCEPTED, Status.REJECTED, Status.UNDELIVERABLE, Status.EXPIRED, Status.DELIVERED}
)

# Every legal move. What is not here raises in the ledger and changes nothing.
MOVES: Mapping[Status | None, frozenset[Status]] = {
    None: frozenset({Status.HELD, Status.INTENT}),
    Status.HELD: frozenset({Status.INTENT, Status.CANCELLED}) | _EVIDENCE,
    Status.CANCELLED: _EVIDENCE,
    Status.RELEASED: frozenset({Status.INTENT, Status.HELD}) | _EVIDENCE,
    Status.INTENT: frozenset({Status.UNKNOWN, Status.RELEASED}) | _EVIDENCE,
    Status.UNKNOWN: frozenset({Status.ABANDONED, Status.RELEASED}) | _EVIDENCE,
    Status.ABANDONED: _EVIDENCE,
    Status.ACCEPTED: _EVIDENCE - {Status.ACCEPTED},
    Status.REJECTED: frozenset({Status.DELIVERED, Status.UNDELIVERABLE, Status.EXPIRED}),
    Status.UNDELIVERABLE: frozenset({Status.DELIVERED, Status.REJECTED, Status.EXPIRED}),
    Status.EXPIRED: frozenset({Status.DELIVERED, Status.REJECTED, Status.UNDELIVERABLE}),
    Status.DELIVERED: frozenset(),
}

# A message in one of these may have reached a person, or still may: it is never claimed again.
MAYBE_SENT = frozenset(
    {
        Status.INTENT,
        Status.UNKNOWN,
        Status.ABANDONED,
        Status.ACCEPTED,
        Status.DELIVERED,
        Status.UNDELIVERABLE,
        Status.EXPIRED,
    }
)
FINAL = frozenset({Status.DELIVERED, Status.UNDELIVERABLE, Status.EXPIRED, Status.REJECTED, Status.CANCELLED})


def _mac(key: bytes, use: bytes, size: int = DIGEST_BYTES) -> "hashlib.blake2b":
    return hashlib.blake2b(key=key, person=use, digest_size=size)


def _digests(begun: "hashlib.blake2b", data: Iterable[bytes]) -> list[bytes]:
    """Of each, the digest of what was begun with it at the end."""
    copy = begun.copy
    found: list[bytes] = []
    for each in data:
        mac = copy()
        mac.update(each)
        found.append(mac.digest())
    return found


def _prefixed(fields: Iterable[bytes]) -> bytes:
    """Join fields so that no two different lists give the same bytes."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in fields)


@dataclass(frozen=True, slots=True)
class Keys:
    """The project's key `K` and the keys derived from it by use.

    A value made for one use says nothing about a value made for another.

    Args:
        secret: the 32 bytes of the key file.
    """

    secret: bytes = field(repr=False)
    ids: bytes = field(init=False, repr=False)
    content: bytes = field(init=False, repr=False)
    recipients: bytes = field(init=False, repr=False)
    plans: bytes = field(init=False, repr=False)
    webhooks: bytes = field(init=False, repr=False)
    evidence: bytes = field(init=False, repr=False)
    inputs: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a project key has {KEY_BYTES} bytes")
        for use in ("ids", "content", "recipients", "plans", "webhooks", "evidence", "inputs"):
            derived = hashlib.blake2b(use.encode(), key=self.secret, person=b"zalosync derive").digest()
            object.__setattr__(self, use, derived[:KEY_BYTES])

    @property
    def fingerprint(self) -> str:
        """What a ledger remembers of the key: enough to refuse another one, nothing to guess it from."""
        return _mac(self.secret, b"zs key id").hexdigest()

    def destinations(self) -> "hashlib.blake2b":
        """A keyed digest to be fed with all phones of a campaign's plan, in order."""
        return _mac(self.plans, b"zs destinations")

    def input_digest(self, data: bytes) -> str:
        """What tells one content of an input file from another, and lets nobody guess a small one."""
        mac = _mac(self.inputs, b"zs input")
        mac.update(data)
        return mac.hexdigest()

    def evidence_digest(self, data: bytes) -> bytes:
        """16 bytes that tell one raw body or row from another without keeping it."""
        mac = _mac(self.evidence, b"zs evidence")
        mac.update(data)
        return mac.digest()


class Identity:
    """Makes the identities of one campaign and occurrence; cheap per message.

    Args:
        keys: the project's keys.
        campaign: the campaign's first name (the oldest of `previousNames`, else its name).
        occurrence: from the spec, 1 or more.
    """

    __slots__ = ("_content", "_ids", "_mark", "_message", "_recipient")

    def __init__(self, keys: Keys, campaign: str, occurrence: int) -> None:
        self._message = _mac(keys.ids, b"zs message")
        self._message.update(_prefixed((campaign.encode(), str(occurrence).encode())))
        self._ids = _mac(keys.ids, b"zs message id", MESSAGE_ID_BYTES - MARK_BYTES)
        self._mark = _mac(keys.ids, b"zs id mark", MARK_BYTES)
        self._content = _mac(keys.content, b"zs fingerprint")
        self._recipient = _mac(keys.recipients, b"zs recipient")

    def message(self, key: str) -> bytes:
        """16 bytes: the logical message of this key, in this campaign and occurrence."""
        return self.messages([key.encode()])[0]

    def fingerprint(self, template: int, values: Mapping[str, str], failover: str | None) -> bytes:
        """16 bytes: what the recipient would see. Of plaintext, never of ciphertext."""
        content = {"failover": failover, "template": template, "values": values}
        return self.fingerprints([orjson.dumps(content, option=orjson.OPT_SORT_KEYS)])[0]

    def messages(self, keys: Iterable[bytes]) -> list[bytes]:
        """`message` of many keys, each in UTF-8."""
        # As `_prefixed` writes a field, without a call for each.
        return _digests(self._message, [len(key).to_bytes(4, "big") + key for key in keys])

    def fingerprints(self, contents: Iterable[bytes]) -> list[bytes]:
        """`fingerprint` of many contents, each as canonical JSON (`canonical.contents` writes many)."""
        return _digests(self._content, contents)

    def recipient(self, phone: str) -> bytes:
        """16 bytes: the pseudonym of a phone, the same in all campaigns of the project."""
        return self.recipients([phone.encode()])[0]

    def recipients(self, phones: Iterable[bytes]) -> list[bytes]:
        """`recipient` of many phones, each in digits."""
        return _digests(self._recipient, phones)

    def message_id(self, message: bytes, attempt: int) -> bytes:
        """20 bytes: what Infobip will know this attempt by; `message_id_text` gives its spelling."""
        mac, mark = self._ids.copy(), self._mark.copy()
        mac.update(message + attempt.to_bytes(4, "big"))
        name = mac.digest()
        mark.update(name)
        return name + mark.digest()


class Maker:
    """Knows again what this project's key made: message ids, and what proves a report.

    Args:
        keys: the project's keys.
    """

    __slots__ = ("_mark", "_proof")

    def __init__(self, keys: Keys) -> None:
        self._mark = _mac(keys.ids, b"zs id mark", MARK_BYTES)
        self._proof = _mac(keys.webhooks, b"zs report proof")

    def made(self, message_id: bytes) -> bool:
        """Whether an id was made with this key, be it in the ledger or not."""
        mark = self._mark.copy()
        mark.update(message_id[:-MARK_BYTES])
        return hmac.compare_digest(mark.digest(), message_id[-MARK_BYTES:])

    def proof(self, message_id: bytes) -> str:
        """22 characters that go out with a message as `callbackData` and come back with its reports."""
        mac = self._proof.copy()
        mac.update(message_id)
        return _proof_of(mac.digest()).decode()

    def proves(self, message_id: bytes, proof: str) -> bool:
        """Whether a report's `callbackData` is what went out with its message."""
        mac = self._proof.copy()
        mac.update(message_id)
        return hmac.compare_digest(_proof_of(mac.digest()), proof.encode(errors="replace"))


def _proof_of(digest: bytes) -> bytes:
    return base64.urlsafe_b64encode(digest)[:PROOF_CHARACTERS]


def message_id_text(message_id: bytes) -> str:
    """The spelling of a message id on the wire: 36 characters, of the 200 allowed."""
    return MESSAGE_ID_PREFIX + base64.b32encode(message_id).decode()


def message_id_bytes(text: str) -> bytes | None:
    """The 20 bytes of one of our own message ids, or None for anybody else's."""
    body = text.removeprefix(MESSAGE_ID_PREFIX)
    if len(body) != MESSAGE_ID_CHARACTERS or body == text:
        return None
    try:
        # The same as `base64.b32decode`, in a tenth of the time: there are millions.
        return int(body.encode("ascii").translate(_BASE32_DIGITS), 32).to_bytes(MESSAGE_ID_BYTES)
    except ValueError:
        return None


def bulk_id(message_ids: Iterable[bytes]) -> str:
    """The bulk id of one request: the same messages in the same order give the same id."""
    digest = hashlib.blake2b(
        b"".join(message_ids), person=b"zs bulk id", digest_size=MESSAGE_ID_BYTES
    ).digest()
    return BULK_ID_PREFIX + base64.b32encode(digest).decode()


def webhook_token(keys: Keys, environment: str) -> str:
    """The unguessable part of an environment's webhook URL: 32 characters."""
    mac = _mac(keys.webhooks, b"zs webhook token", MESSAGE_ID_BYTES)
    mac.update(environment.encode())
    return base64.b32encode(mac.digest()).decode().lower()
