"""What one run of `apply` is asked to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zalosync.apply.ports import Limits
from zalosync.compose.message import Keys
from zalosync.infobip.keys import Encryptor
from zalosync.plan.record import record_of
from zalosync.plan.shape import Plan


@dataclass(frozen=True, slots=True)
class Job:
    """What to apply, and as whom.

    Attributes:
        plan: with its composed content open.
        digest: of the plan that was approved.
        keys: the project's.
        encryptors: by sender, for the encrypted campaigns.
        fingerprints: of the senders' keys, for the run's record.
        who: actor, commit, CI run, host: goes into the run's record.
        batch_size: messages per request.
        max_messages: send no more than this, or None.
        canary: messages in the first request.
        due: send what is held and due, instead of what is new.
        shrunk: what the approved plan names and this one does not any more: reason to count.
        limits: of the run.
        folder: where a rescue file goes.
        webhook_token: takes the place of `{token}` in webhook URLs.
    """

    plan: Plan
    digest: str
    keys: Keys = field(repr=False)
    encryptors: Mapping[str, Encryptor]
    fingerprints: Mapping[str, str]
    who: Mapping[str, Any]
    batch_size: int
    max_messages: int | None
    canary: int
    due: bool
    limits: Limits
    folder: Path
    webhook_token: str = field(default="", repr=False)
    shrunk: Mapping[str, int] = field(default_factory=dict)

    @property
    def record(self) -> dict[str, Any]:
        """What the ledger keeps of who ran what."""
        return {
            **self.who,
            "base_url": self.plan.base_url,
            "to_send": self.plan.to_send,
            "to_cancel": self.plan.to_cancel,
            "campaigns": [campaign.name for campaign in self.plan.campaigns],
            **record_of(self.plan),
            "public_keys": dict(self.fingerprints),
        }
