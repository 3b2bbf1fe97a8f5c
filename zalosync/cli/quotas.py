"""What senders may still send: asked of the provider, remembered for when it does not answer."""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zalosync.errors import ProviderRefused, StoppedEarly
from zalosync.plan.quota import SenderQuota
from zalosync.plan.timing import ZONE
from zalosync.spec.loaded import LoadedCampaign

if TYPE_CHECKING:
    from zalosync.cli.session import Session
    from zalosync.infobip.client import Reader


def fetch(
    client: "Reader", campaigns: Iterable[LoadedCampaign], session: "Session"
) -> dict[str, SenderQuota]:
    """The quotas of all senders of these campaigns.

    The call is early access: an account may not have it, which is no error. What was last known of today and
    of this month stands in where the provider gives no answer.

    Args:
        client: the provider, read only.
        campaigns: of the plan.
        session: whose folder of local state keeps what was last known.
    """
    memory, now = _memory(session), session.clock.now()
    senders = sorted({each.campaign.spec.sender for each in campaigns})
    before = _read(memory)
    found = {sender: _ask(client, sender, before.get(sender), now) for sender in senders}
    _write(memory, before | {sender: quota for sender, quota in found.items() if quota.asked_at == now})
    return found


def remembered(session: "Session") -> dict[str, SenderQuota]:
    """What the provider last said, by sender."""
    return _read(_memory(session))


def _memory(session: "Session") -> Path:
    return session.home.folder / f"{session.home.environment}.quota.json"


def _ask(client: "Reader", sender: str, before: SenderQuota | None, now: datetime) -> SenderQuota:
    try:
        said = client.quota(sender)
    except ProviderRefused as error:
        return SenderQuota(problem=f"the provider does not tell: {error.message}")
    except StoppedEarly as error:
        if before is None or before.asked_at is None:
            return SenderQuota(problem=error.message)
        return _aged(before, before.asked_at, now)
    return SenderQuota(said.daily, said.remaining_daily, said.remaining_monthly_promotion, now)


def _aged(before: SenderQuota, asked_at: datetime, now: datetime) -> SenderQuota:
    """What was last known, as far as it still says something."""
    then, today = asked_at.astimezone(ZONE), now.astimezone(ZONE)
    quota = before if then.date() == today.date() else replace(before, remaining_daily=before.daily)
    if (then.year, then.month) != (today.year, today.month):
        quota = replace(quota, remaining_promotion=None)
    return quota


def _read(memory: Path) -> dict[str, SenderQuota]:
    """What is remembered; a file that cannot be read is forgotten, it only stands in for an answer."""
    try:
        document: dict[str, dict[str, Any]] = json.loads(memory.read_text(encoding="utf-8"))
        return {sender: _quota(entry) for sender, entry in document.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _quota(entry: dict[str, Any]) -> SenderQuota:
    return SenderQuota(
        entry["daily"],
        entry["remaining_daily"],
        entry["remaining_promotion"],
        datetime.fromisoformat(entry["asked_at"]),
    )


def _write(memory: Path, quotas: dict[str, SenderQuota]) -> None:
    known = {sender: asdict(quota) for sender, quota in quotas.items() if quota.known}
    if not known or not memory.parent.is_dir():
        return
    aside = memory.with_name(memory.name + ".new")
    # What cannot be remembered is asked again; a full disk is told of by what must be written.
    with suppress(OSError):
        with aside.open("w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            json.dump(known, file, default=datetime.isoformat, sort_keys=True)
        aside.rename(memory)
