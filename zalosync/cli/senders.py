"""The RSA keys of a plan's senders: fetched, and held against what is pinned or was seen before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zalosync.cli.key_sizes import ASSUMED_BITS
from zalosync.compose.values import byte_budget
from zalosync.errors import ProviderRefused, StoppedEarly
from zalosync.events import Emit, Warned
from zalosync.plan.build import SenderKey
from zalosync.spec.loaded import LoadedCampaign
from zalosync.spec.project import Environment

if TYPE_CHECKING:
    from zalosync.infobip.client import Reader, Sender
    from zalosync.infobip.keys import PublicKey

NOTE = "public-key:"


@dataclass(frozen=True, slots=True)
class SenderKeys:
    """Keys by sender; a sender whose key does not exist yet is in `missing`.

    `remembered` are known from before, and nobody was reached who could have said them: enough for a plan.
    """

    keys: Mapping[str, "PublicKey"]
    missing: tuple[str, ...]
    remembered: Mapping[str, SenderKey] = field(default_factory=dict)

    @property
    def planned(self) -> dict[str, SenderKey]:
        """What a plan is told of them."""
        missing = {sender: SenderKey(byte_budget(ASSUMED_BITS), "") for sender in self.missing}
        found = {sender: SenderKey(key.budget, key.fingerprint) for sender, key in self.keys.items()}
        return {**missing, **self.remembered, **found}


def fetch(
    client: "Reader",
    campaigns: Iterable[LoadedCampaign],
    environment: Environment,
    notes: Mapping[str, str],
    *,
    sizes: Mapping[str, int] | None = None,
    emit: Emit | None = None,
) -> SenderKeys:
    """The keys of all senders of encrypted campaigns.

    Args:
        client: the provider, read only.
        campaigns: of the plan.
        environment: with the pinned fingerprints.
        notes: of the ledger, with the fingerprints seen before.
        sizes: in bits, as they were last seen: with them a key that is trusted already does for a plan where
            the provider is not reached. None: it must be reached.
        emit: hears of that.

    Raises:
        ProviderRefused: a key is not the pinned one, or not the one seen before.
        StoppedEarly: the provider is not reached, and the key or its size is not known.
    """
    senders = sorted({each.campaign.spec.sender for each in campaigns if each.campaign.spec.encrypted})
    keys: dict[str, PublicKey] = {}
    remembered: dict[str, SenderKey] = {}
    for sender in senders:
        try:
            key = client.public_key(sender)
        except StoppedEarly as error:
            bits, fingerprint = (sizes or {}).get(sender), trusted(sender, environment, notes)
            if bits is None or fingerprint is None:
                raise
            remembered[sender] = SenderKey(byte_budget(bits), fingerprint)
            if emit is not None:
                emit(Warned("ZS657", f"{error.message}; the plan is for the one that was seen before"))
            continue
        if key is not None:
            check(sender, key, environment, notes)
            keys[sender] = key
    missing = tuple(sender for sender in senders if sender not in keys and sender not in remembered)
    return SenderKeys(keys, missing, remembered)


def trusted(sender: str, environment: Environment, notes: Mapping[str, str]) -> str | None:
    """The fingerprint of the only key that this project encrypts with; None: it has seen none yet."""
    return environment.public_keys.get(sender) or notes.get(NOTE + sender)


def create(
    client: "Sender", found: SenderKeys, environment: Environment, notes: Mapping[str, str], emit: Emit
) -> dict[str, "PublicKey"]:
    """The keys, those that are missing made by the provider."""
    keys = dict(found.keys)
    for sender in found.missing:
        keys[sender] = client.create_public_key(sender)
        check(sender, keys[sender], environment, notes)
        emit(
            Warned(
                "ZS654", f"sender {sender} had no RSA key: the provider made one, {keys[sender].bits} bits"
            )
        )
    return keys


def check(sender: str, key: "PublicKey", environment: Environment, notes: Mapping[str, str]) -> None:
    """Refuse a key that is not the one this project trusts."""
    known = trusted(sender, environment, notes)
    if known is None or known == key.fingerprint:
        return
    pinned = sender in environment.public_keys
    origin = "pinned in zalosync.yaml" if pinned else "seen before, by the ledger"
    raise ProviderRefused(
        f"the RSA key of sender {sender} is {key.fingerprint[:23]}…, not {known[:23]}… ({origin});"
        " values encrypted with another key may be readable by somebody else",
        fix="ask the provider whether the key was changed;"
        " if it was, `zalosync keys pin` after comparing fingerprints",
        code="ZS820",
    )
