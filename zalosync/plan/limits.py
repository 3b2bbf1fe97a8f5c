"""The policies' limits, held against a plan; gives findings, stops nothing.

Each finding names the rule, the number, the limit, and the place to change.
"""

from collections.abc import Iterator, Sequence

from zalosync.errors import Place
from zalosync.ledger.records import Run
from zalosync.plan.history import WEBHOOK_HOSTS, History, Named, named
from zalosync.plan.shape import CampaignPlan, Plan
from zalosync.spec.files import PROJECT_FILE
from zalosync.spec.findings import Finding
from zalosync.spec.loaded import LoadedPolicy, LoadedProject
from zalosync.spec.policy import Cost as Limit


def policy_findings(project: LoadedProject, plan: Plan, reader: History) -> Iterator[Finding]:
    """What the policies say of a plan: of each campaign, and of all together."""
    for loaded in project.policies:
        yield from _recipients(loaded, plan)
        if loaded.policy.spec.max_cost is not None:
            yield from _cost(loaded, loaded.policy.spec.max_cost, plan)
        for campaign in plan.campaigns:
            yield from _forbidden(loaded, campaign)
            yield from _growth(loaded, campaign)
    runs = reader.runs()
    yield from _renamed(project, plan, named(runs))
    yield from _hosts(plan, runs)


def _hosts(plan: Plan, runs: Sequence[Run]) -> Iterator[Finding]:
    """Where reports with people's phones may be pushed, held against what held in the last run."""
    earlier = [run for run in runs if WEBHOOK_HOSTS in run.started]
    if not earlier:
        return
    then, now = set(earlier[-1].started[WEBHOOK_HOSTS]), set(plan.settings.get("allowedWebhookHosts", ()))
    moved = [f"{host} is new" for host in sorted(now - then)]
    moved += [f"{host} is gone" for host in sorted(then - now)]
    if moved:
        message = f"allowedWebhookHosts is not what it was in run {earlier[-1].run_id}: {', '.join(moved)}"
        yield Finding("webhook-hosts-changed", "warn", message, place=Place(PROJECT_FILE), count=len(moved))


def _recipients(loaded: LoadedPolicy, plan: Plan) -> Iterator[Finding]:
    limit = loaded.policy.spec.max_recipients_per_plan
    if limit is not None and plan.to_send > limit:
        message = f"the plan sends {plan.to_send:,} messages, limit {limit:,} (maxRecipientsPerPlan)"
        place = loaded.place("spec.maxRecipientsPerPlan")
        yield Finding("max-recipients-per-plan", "error", message, place=place, count=plan.to_send)


def _cost(loaded: LoadedPolicy, limit: Limit, plan: Plan) -> Iterator[Finding]:
    """All by Zalo or all by failover, the dearer counts; what cannot be estimated is not within a limit."""
    place = loaded.place("spec.maxCost")
    sending = [campaign for campaign in plan.campaigns if campaign.to_send]
    costs = [campaign.cost for campaign in sending if campaign.cost is not None]
    worst = sum(max(cost.zalo, cost.failover) for cost in costs)
    for campaign in sending:
        if campaign.cost is None:
            message = (
                f"prices.yaml has no price for all that may be sent, and maxCost limits it ({loaded.file})"
            )
            yield Finding("cost-unknown", "error", message, campaign.name, place, campaign.to_send)
    currencies = sorted({cost.currency for cost in costs} - {limit.currency})
    if currencies:
        message = f"prices are in {', '.join(currencies)}, and maxCost is in {limit.currency}"
        yield Finding("cost-currency", "error", message, place=place)
    elif worst > limit.amount:
        message = f"the plan may cost {worst:,.2f}, limit {limit.amount:,.2f} {limit.currency} (maxCost)"
        yield Finding("max-cost", "error", message, place=place)


def _forbidden(loaded: LoadedPolicy, campaign: CampaignPlan) -> Iterator[Finding]:
    policy, spec = loaded.policy.spec, campaign.loaded.campaign.spec
    if policy.require_encrypted and not spec.encrypted:
        message = f"the policy {loaded.name} requires `encrypted: true` (requireEncrypted)"
        place = campaign.loaded.place("spec.encrypted")
        yield Finding("require-encrypted", "error", message, campaign.name, place)
    if not policy.allow_plaintext_failover and spec.encrypted and spec.sms_failover is not None:
        message = (
            f"the policy {loaded.name} forbids an SMS failover for encrypted campaigns: its text is plain"
            " (allowPlaintextFailover)"
        )
        place = campaign.loaded.place("spec.smsFailover")
        yield Finding("plaintext-failover", "error", message, campaign.name, place)
    if policy.allowed_senders is not None and spec.sender not in policy.allowed_senders:
        message = f"the policy {loaded.name} does not allow sender {spec.sender} (allowedSenders)"
        place = campaign.loaded.place("spec.sender")
        yield Finding("allowed-senders", "error", message, campaign.name, place)
    if policy.allowed_templates is not None and spec.template.name not in policy.allowed_templates:
        message = f"the policy {loaded.name} does not allow template {spec.template.name} (allowedTemplates)"
        place = campaign.loaded.place("spec.template.name")
        yield Finding("allowed-templates", "error", message, campaign.name, place)


def new_rows(campaign: CampaignPlan, earlier: Named) -> int:
    """How many messages an earlier plan did not name.

    The ledger knows messages, and of an earlier plan its counts: messages that it named and did not get to
    are unknown to the ledger, and yet not new. So new are those that the ledger does not know, less those
    that the earlier run had still to send when it ended, as the ledger's count of attempts tells.
    """
    taken = campaign.attempts - earlier.attempts
    left = max(0, earlier.fresh - max(0, taken))
    return max(0, campaign.fresh - left)


def _growth(loaded: LoadedPolicy, campaign: CampaignPlan) -> Iterator[Finding]:
    """Rows that no earlier plan of this campaign and occurrence named, against what the last one named."""
    limit, earlier = loaded.policy.spec.max_new_share, campaign.since
    if limit is None or earlier is None or not earlier.recipients:
        return
    new = new_rows(campaign, earlier)
    if limit.exceeded_by(new, earlier.recipients):
        share = 100 * new / earlier.recipients
        message = (
            f"{new:,} recipients are new against the {earlier.recipients:,} that run {earlier.run_id} named"
            f" (+{share:,.0f} %, limit {limit}); check the file (maxNewShare)"
        )
        place = loaded.place("spec.maxNewShare")
        yield Finding("max-new-share", "error", message, campaign.name, place, new)


def _renamed(project: LoadedProject, plan: Plan, earlier: list[Named]) -> Iterator[Finding]:
    """A campaign without a past, and one with a past that no spec names any more: perhaps they are one."""
    present = {
        name
        for loaded in project.campaigns
        for name in (loaded.name, loaded.first_name, *loaded.campaign.metadata.previous_names)
    }
    known = {each.campaign for each in earlier}
    gone = {each.campaign: each for each in earlier if each.campaign not in present}
    for campaign in plan.campaigns:
        spec = campaign.loaded.campaign.spec
        if campaign.loaded.first_name in known or not campaign.fresh:
            continue
        for name, each in sorted(gone.items()):
            if (each.sender, each.template) == (spec.sender, spec.template.name):
                message = (
                    f"no spec names {name} any more, which sent template {each.template} too; if this is its"
                    f" new name, write `previousNames: [{name}]`, else its recipients get the message again"
                )
                place = campaign.loaded.place("metadata.name")
                yield Finding("maybe-renamed", "warn", message, campaign.name, place, each.recipients)
