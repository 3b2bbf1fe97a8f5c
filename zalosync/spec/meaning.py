"""Checks of meaning: what the shapes allow one by one and no campaign may combine. Pure; time is given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from zalosync.spec.document import Steps
from zalosync.spec.model import Campaign
from zalosync.spec.policy import Policy
from zalosync.spec.project import ProjectSpec
from zalosync.spec.safe_open import FileRefused, inside
from zalosync.spec.values import web_host
from zalosync.spec.window import clock_text

MAX_DAYS_AHEAD = 180  # contract: sendAt at most 180 days in the future
GSM_SENDER_LETTERS = 11  # an SMS sender with letters has at most 11 characters


@dataclass(frozen=True, slots=True)
class Fault:
    """One contradiction: its code, where it stands, what to say, and which other keys it rests on."""

    code: str
    steps: Steps
    message: str
    allowed: str = ""
    found: str = ""
    meant: str = ""
    rests_on: tuple[Steps, ...] = ()


def campaign_faults(
    campaign: Campaign, project: ProjectSpec | None, file: str, now: datetime
) -> Iterator[Fault]:
    """Every contradiction within one campaign, and with its project where that could be read.

    Args:
        campaign: as read.
        project: as read, or None.
        file: the campaign's file from the project root, for its paths.
        now: aware.
    """
    yield from _schedule(campaign, now)
    yield from _window(campaign)
    yield from _combinations(campaign)
    yield from _paths(campaign, file)
    if project is not None:
        yield from _hosts(campaign, project)


def _schedule(campaign: Campaign, now: datetime) -> Iterator[Fault]:
    schedule = campaign.spec.schedule
    latest = now + timedelta(days=MAX_DAYS_AHEAD)
    if schedule.send_at is not None and schedule.send_at > latest:
        yield Fault(
            "ZS205",
            ("spec", "schedule", "sendAt"),
            f"the time is more than {MAX_DAYS_AHEAD} days ahead",
            f"until {latest:%Y-%m-%dT%H:%MZ}",
            f"{schedule.send_at:%Y-%m-%dT%H:%MZ}",
        )
    if schedule.send_at and schedule.expires_at and schedule.expires_at <= schedule.send_at:
        yield Fault(
            "ZS206",
            ("spec", "schedule", "expiresAt"),
            "`expiresAt` is not after `sendAt`: nothing could ever be sent",
            f"after {schedule.send_at:%Y-%m-%dT%H:%MZ}",
            f"{schedule.expires_at:%Y-%m-%dT%H:%MZ}",
        )
    if schedule.mode == "hold" and schedule.send_at is None:
        yield Fault(
            "ZS210",
            ("spec", "schedule", "mode"),
            "`hold` keeps messages until `sendAt`, and there is none",
            "`hold` with `sendAt`, or provider",
        )


def _window(campaign: Campaign) -> Iterator[Fault]:
    window = campaign.spec.schedule.delivery_time_window
    if window is None or window.allow_wrap:
        return
    at = campaign.spec.schedule.send_at
    utc = window.utc(at)
    if not utc.wraps:
        return
    steps: Steps = ("spec", "schedule", "deliveryTimeWindow")
    if utc.from_time is None or utc.to_time is None:
        shown = f"whole days of {window.timezone}, which begin at another time in UTC"
    else:
        begin, end = (clock_text(hour * 60 + minute) for hour, minute in (utc.from_time, utc.to_time))
        shown = f"{begin} to {end} in UTC, where the provider reads it"
    yield Fault(
        "ZS208",
        steps,
        "the window runs over midnight in UTC, and what the provider makes of that is not documented; "
        "change a bound, or write `allowWrap: true`",
        window.bounds_without_wrap(at),
        shown,
        rests_on=tuple((*steps, key) for key in ("days", "from", "to", "timezone")),
    )


def _combinations(campaign: Campaign) -> Iterator[Fault]:
    spec = campaign.spec
    if spec.sending_mode != "REGULAR" and spec.template.tag != "PROMOTION":
        yield Fault(
            "ZS211",
            ("spec", "sendingMode"),
            f"`{spec.sending_mode}` is for templates tagged PROMOTION, this one is {spec.template.tag}",
            "REGULAR",
            rests_on=(("spec", "template", "tag"), ("spec", "template")),
        )
    low, high = spec.audience.min_recipients, spec.audience.max_recipients
    if high is not None and low > high:
        yield Fault(
            "ZS215",
            ("spec", "audience", "minRecipients"),
            "`minRecipients` is more than `maxRecipients`: every plan would be blocked",
            f"0 to {high:,}",
            f"{low:,}",
        )
    tracking = spec.tracking
    if spec.encrypted and tracking.shorten_url:
        yield Fault(
            "ZS214",
            ("spec", "tracking", "shortenUrl"),
            "links in encrypted values cannot be shortened: the provider turns it off",
            "false",
        )
    for key, value in (("trackClicks", tracking.track_clicks), ("removeProtocol", tracking.remove_protocol)):
        if value and not tracking.shorten_url:
            yield Fault("ZS214", ("spec", "tracking", key), f"`{key}` works on shortened links only", "false")
    for key, given in (("trackingUrl", tracking.tracking_url), ("customDomain", tracking.custom_domain)):
        if given is not None and not tracking.shorten_url:
            yield Fault("ZS214", ("spec", "tracking", key), f"`{key}` works on shortened links only")
    yield from _failover(campaign)
    yield from _webhook(campaign)


def _failover(campaign: Campaign) -> Iterator[Fault]:
    failover = campaign.spec.sms_failover
    if failover is None or failover.sender is None:
        return
    name = failover.sender
    if not (name.isascii() and name.isprintable()) or name != name.strip():
        allowed = "letters, digits and signs of ASCII"
        yield Fault("ZS216", ("spec", "smsFailover", "sender"), "the SMS sender is not plain text", allowed)
    elif not name.isdigit() and len(name) > GSM_SENDER_LETTERS:
        yield Fault(
            "ZS216",
            ("spec", "smsFailover", "sender"),
            f"an SMS sender with letters has at most {GSM_SENDER_LETTERS} characters",
            f"at most {GSM_SENDER_LETTERS} characters, or up to 16 digits",
            f"{len(name)} characters",
        )


def _webhook(campaign: Campaign) -> Iterator[Fault]:
    webhooks = campaign.spec.webhooks
    if webhooks is None:
        return
    delivery = webhooks.delivery
    steps: Steps = ("spec", "webhooks", "delivery")
    if not delivery.notify and (delivery.url is not None or delivery.intermediate_report):
        yield Fault(
            "ZS217", (*steps, "notify"), "no report is pushed at all, but where or which is given", "true"
        )
    if delivery.url is not None:
        rest = delivery.url.replace("{token}", "", 1)
        if "{" in rest or "}" in rest:
            yield Fault(
                "ZS212", (*steps, "url"), "the only placeholder of a URL is `{token}`, once", "{token}"
            )


def _hosts(campaign: Campaign, project: ProjectSpec) -> Iterator[Fault]:
    allowed = project.allowed_webhook_hosts
    names = ", ".join(allowed) if allowed else "none: `allowedWebhookHosts` is empty"
    targets: list[tuple[Steps, str]] = []
    if campaign.spec.webhooks is not None and campaign.spec.webhooks.delivery.url is not None:
        targets.append(
            (("spec", "webhooks", "delivery", "url"), web_host(campaign.spec.webhooks.delivery.url))
        )
    tracking = campaign.spec.tracking
    if tracking.tracking_url is not None:
        targets.append((("spec", "tracking", "trackingUrl"), web_host(tracking.tracking_url)))
    if tracking.custom_domain is not None:
        targets.append((("spec", "tracking", "customDomain"), tracking.custom_domain))
    for steps, host in targets:
        if host not in allowed:
            message = "the host is not in `allowedWebhookHosts` of zalosync.yaml"
            yield Fault("ZS213", steps, message, names, f"`{host}`")


def _paths(campaign: Campaign, file: str) -> Iterator[Fault]:
    audience = campaign.spec.audience
    for key, paths in (("path", audience.path), ("exclude", audience.exclude)):
        for index, path in enumerate(paths):
            try:
                inside(path, named_in=file)
            except FileRefused as error:
                yield Fault(
                    error.code, ("spec", "audience", key, index), error.reason, "a file in the project"
                )


def policy_faults(policies: Sequence[Policy], campaign: Campaign) -> Iterator[tuple[str, Fault]]:
    """What the policies forbid of a campaign by its text alone: the finding's id, and where it stands."""
    spec = campaign.spec
    for policy in policies:
        name, limits = policy.metadata.name, policy.spec
        if limits.require_encrypted and not spec.encrypted:
            message = f"the policy {name} requires `encrypted: true`"
            yield "require-encrypted", Fault("", ("spec", "encrypted"), message)
        if not limits.allow_plaintext_failover and spec.encrypted and spec.sms_failover is not None:
            message = f"the policy {name} forbids an SMS failover for encrypted campaigns: its text is plain"
            yield "plaintext-failover", Fault("", ("spec", "smsFailover"), message)
        if limits.allowed_senders is not None and spec.sender not in limits.allowed_senders:
            allowed = ", ".join(limits.allowed_senders)
            message = f"the policy {name} does not allow this sender, only {allowed}"
            yield "allowed-senders", Fault("", ("spec", "sender"), message)
        if limits.allowed_templates is not None and spec.template.name not in limits.allowed_templates:
            allowed = ", ".join(map(str, limits.allowed_templates))
            message = f"the policy {name} does not allow this template, only {allowed}"
            yield "allowed-templates", Fault("", ("spec", "template", "name"), message)
