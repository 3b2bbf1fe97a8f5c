"""What `refresh` asks about besides messages: templates, keys and quotas, held against what was planned."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from zalosync.cli import quotas
from zalosync.cli.session import Session
from zalosync.compose.message import Status
from zalosync.errors import ProviderRefused, StoppedEarly
from zalosync.infobip.pinning import pull_contracts
from zalosync.ledger.read import LedgerReader
from zalosync.refresh.drift import key_drift, quota_drift, template_drift
from zalosync.spec.findings import Finding, settled

if TYPE_CHECKING:
    from zalosync.infobip.client import Reader
    from zalosync.spec.loaded import LoadedCampaign


def drift(session: Session, client: "Reader", reader: LedgerReader) -> tuple[Finding, ...]:
    """What changed since messages were planned, of campaigns that have some in the ledger.

    What the provider does not tell (these calls are early access) is no finding.
    """
    names = {tally.name for tally in reader.tallies() if tally.count}
    campaigns = [each for each in session.project.campaigns if each.first_name in names]
    found = [*_templates(session, client, campaigns), *_senders(session, client, campaigns, reader)]
    policies = [each.policy for each in session.project.policies]
    return settled(found, policies, session.clock.now())


def _templates(session: Session, client: "Reader", campaigns: "list[LoadedCampaign]") -> Iterator[Finding]:
    pinned = session.project.templates
    wanted = {each.campaign.spec.template.name: each.campaign.spec.sender for each in campaigns}
    for number, sender in sorted(wanted.items()):
        with suppress(ProviderRefused, StoppedEarly):
            for _, contract in pull_contracts(client, {number: sender}, session.clock.now()):
                yield from template_drift(number, contract, pinned.get(number))


def _senders(
    session: Session, client: "Reader", campaigns: "list[LoadedCampaign]", reader: LedgerReader
) -> Iterator[Finding]:
    used: dict[str, str] = {}
    for run in reader.runs():
        used |= run.started.get("public_keys", {})
    held = Counter[str]()
    specs = {each.first_name: each.campaign.spec for each in campaigns}
    for tally in reader.tallies():
        if tally.state is Status.HELD and tally.name in specs:
            held[specs[tally.name].sender] += tally.count
    before = quotas.remembered(session)
    for sender, quota in sorted(quotas.fetch(client, campaigns, session).items()):
        if quota.known:
            known = before.get(sender)
            daily = None if known is None else known.daily
            yield from quota_drift(sender, quota.daily, daily, quota.remaining_daily, held[sender])
        if any(spec.encrypted for spec in specs.values() if spec.sender == sender):
            with suppress(ProviderRefused, StoppedEarly):
                key = client.public_key(sender)
                yield from key_drift(sender, None if key is None else key.fingerprint, used)
