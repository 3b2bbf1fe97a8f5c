"""A campaign's share of a run: what is held for later, what is sent now, how and in which slots."""

from datetime import datetime

from zalosync.apply.envelope import envelope_of, window_of
from zalosync.apply.job import Job
from zalosync.apply.letters import Consignment, Leave, Letters
from zalosync.apply.seal import Order
from zalosync.clock import Clock
from zalosync.compose.message import Status
from zalosync.ledger.records import Kind
from zalosync.ledger.store import Ledger
from zalosync.plan.decide import Action
from zalosync.plan.pace import SLOT_NOTE, Slots
from zalosync.plan.shape import CampaignPlan


class Shares:
    """Makes what one run takes of each campaign.

    Args:
        job: what the run is to do.
        run: its number in the ledger.
        ledger: under its lock.
        clock: for the time of each change.
        leave: is told of messages that were planned and are left out: why, and how many.
        began: when the run did.
    """

    def __init__(
        self, job: Job, run: int, ledger: Ledger, clock: Clock, leave: Leave, began: datetime
    ) -> None:
        self._job = job
        self._run = run
        self._ledger = ledger
        self._clock = clock
        self._leave = leave
        self._began = began

    def count(self, campaign: CampaignPlan) -> int:
        """How many of its messages the run is about."""
        return campaign.messages.actions[Action.HELD] if self._job.due else campaign.to_send

    def values(self, campaign: CampaignPlan) -> int:
        """How many values the run encrypts for it."""
        spec = campaign.loaded.campaign.spec
        return self.count(campaign) * len(spec.template_data) if spec.encrypted else 0

    def hold(self, campaign: CampaignPlan) -> int:
        """Have its messages wait for their time under this plan; gives how many do."""
        if self._job.due:  # they wait already, and go on waiting
            return self.count(campaign)
        held = 0
        for part in self._letters(campaign):
            claims = [letter.claim._replace(state=Status.HELD) for letter in part]
            with self._ledger.change(Kind.CLAIM, self._clock.now(), run=self._run) as change:
                change.claim(claims)
            held += len(claims)
        return held

    def consignment(self, campaign: CampaignPlan) -> Consignment:
        """What is sent of it, and how."""
        loaded = campaign.loaded
        spec = loaded.campaign.spec
        order = Order(
            loaded.name,
            loaded.first_name,
            envelope_of(loaded, self._job.webhook_token),
            self._job.encryptors[spec.sender] if spec.encrypted else None,
            spec.schedule.expires_at,
        )
        ours = spec.schedule.mode == "hold"
        return Consignment(
            order,
            self._letters(campaign),
            self._began,
            None if ours else spec.schedule.send_at,
            self._slots(campaign),
            ours,
            self.count(campaign),
            self._leave,
        )

    def _letters(self, campaign: CampaignPlan) -> Letters:
        name = campaign.loaded.first_name
        number = self._ledger.campaigns().get(name)
        if number is None:
            with self._ledger.change(Kind.NOTE, self._clock.now()) as change:
                number = change.campaign(name)
        job = self._job
        return Letters(campaign, number, self._ledger, job.keys, due=job.due, leave=self._leave)

    def _slots(self, campaign: CampaignPlan) -> Slots | None:
        """The slots that are still free under its speed limit, after those of earlier runs."""
        spec = campaign.loaded.campaign.spec
        schedule, limit = spec.schedule, spec.schedule.sending_speed_limit
        if limit is None:
            return None
        free = max(self._began, schedule.send_at or self._began)
        last = self._ledger.notes().get(SLOT_NOTE + campaign.loaded.first_name)
        if last is not None:
            free = max(free, datetime.fromisoformat(last))
        return Slots(free, limit.amount / limit.unit_seconds, window_of(spec), schedule.expires_at)
