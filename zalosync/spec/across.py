"""What only shows across files: names that collide, rules without a finding, and the project's findings."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from zalosync.catalogue import FINDINGS
from zalosync.errors import Place, Problem
from zalosync.spec.document import Document, Steps, path_text
from zalosync.spec.endpoint import base_url_fault
from zalosync.spec.findings import Finding, settled, weaker
from zalosync.spec.loaded import LoadedCampaign, LoadedPolicy, LoadedProject
from zalosync.spec.meaning import policy_faults
from zalosync.spec.mismatch import near
from zalosync.spec.pinned import SENDING_STATUSES
from zalosync.spec.policy import Severity
from zalosync.spec.project import Environment, TemplateContract
from zalosync.spec.shown import with_source
from zalosync.spec.window import clock_changes

_NAME: Steps = ("metadata", "name")
# What a Vietnamese advertising SMS says: "TC" or "từ chối" (refuse), "hủy" (cancel), or the English words.
_OPT_OUT = re.compile(
    r"\b(?:tc|tu choi|từ chối|huy|hủy|huỷ|stop|unsub(?:scribe)?|opt[ -]?out)\b", re.IGNORECASE
)


def cross_problems(
    campaigns: Sequence[Document], policies: Sequence[LoadedPolicy], known: Sequence[Problem]
) -> list[Problem]:
    """The problems that no file has by itself.

    Args:
        campaigns: every campaign file that could be read as YAML, also those with problems of their own.
        policies: those that could be read.
        known: what is wrong with single files.
    """
    wrong = {problem.place.file for problem in known}
    problems = list(_same_names(campaigns, "campaign"))
    problems += _taken_names(campaigns)
    problems += _same_names((each.document for each in policies), "policy")
    for each in policies:
        if each.file not in wrong:
            problems += _rules(each)
    return problems


def _text_at(document: Document, steps: Steps) -> str | None:
    value = document.at(steps)
    return value if isinstance(value, str) else None


def _same_names(documents: Iterable[Document], kind: str) -> Iterator[Problem]:
    """Names as they stand in the files: also those of files that have problems of their own."""
    first: dict[str, Document] = {}
    for document in documents:
        name = _text_at(document, _NAME)
        if name is None:
            continue
        other = first.setdefault(name, document)
        if other is not document:
            message = f"another {kind} has this name: {other.place(_NAME)}"
            yield _problem("ZS201", document, _NAME, message, name)


def _taken_names(campaigns: Sequence[Document]) -> Iterator[Problem]:
    """A former name may be nobody's present name and in nobody else's list."""
    present = {name: document for document in campaigns if (name := _text_at(document, _NAME)) is not None}
    listed: dict[str, tuple[Document, Steps]] = {}
    for document in campaigns:
        former = document.at(("metadata", "previousNames"))
        for index, entry in enumerate(former if isinstance(former, list) else ()):
            steps: Steps = ("metadata", "previousNames", index)
            if not isinstance(entry, str):
                continue
            name = entry
            owner = present.get(name)
            if owner is not None and owner is not document:
                message = f"this is the name of another campaign: {owner.place(_NAME)}"
                yield _problem("ZS202", document, steps, message, name)
            other, place = listed.setdefault(name, (document, steps))
            if other is not document:
                message = f"another campaign had this name before: {other.place(place)}"
                yield _problem("ZS202", document, steps, message, name)


def _rules(each: LoadedPolicy) -> Iterator[Problem]:
    """A rule names a finding that exists; making one weaker is a waiver, with a reason and an end."""
    for name, rule in each.policy.spec.rules.items():
        steps: Steps = ("spec", "rules", name)
        entry = FINDINGS.get(name)
        if entry is None:
            problem = _problem(
                "ZS225", each.document, steps, "there is no finding of this name", name, key=True
            )
            yield _with_meant(problem, near(name, list(FINDINGS)))
        elif (
            entry.severity
            and weaker(rule.severity, entry.severity)
            and (rule.reason is None or rule.until is None)
        ):
            message = (
                f"this makes `{name}` weaker than it is ({entry.severity}): that is a waiver, "
                "which has a reason and an end date"
            )
            allowed = '{severity: …, reason: "…", until: 2027-01-31}'
            yield _problem("ZS226", each.document, steps, message, rule.severity, allowed=allowed)


def _problem(
    code: str,
    document: Document,
    steps: Steps,
    message: str,
    found: str,
    *,
    allowed: str = "",
    key: bool = False,
) -> Problem:
    bare = Problem(
        code=code,
        place=document.place(steps, key=key),
        path=path_text(steps),
        message=message,
        found=f"`{found}`",
        allowed=allowed,
    )
    return with_source(bare, document, show=True)


def _with_meant(problem: Problem, meant: str) -> Problem:
    return Problem(
        problem.code,
        problem.place,
        problem.path,
        problem.message,
        found=problem.found,
        allowed=problem.allowed,
        meant=meant,
        source=problem.source,
    )


def project_findings(
    name: str,
    environment: Environment,
    campaigns: Sequence[LoadedCampaign],
    policies: Sequence[LoadedPolicy],
    templates: Mapping[int, TemplateContract],
    place: Place,
    now: datetime,
) -> Iterator[Finding]:
    """What is worth saying of a project without problems.

    Args:
        name: of the chosen environment.
        environment: its settings.
        campaigns: all of them.
        policies: all of them.
        templates: pinned contracts by template number.
        place: of the environment in the project file.
        now: aware.
    """
    yield from _environment_findings(name, environment, place)
    for each in campaigns:
        yield from _campaign_findings(each, environment, templates)
    for policy in policies:
        for identifier, rule in policy.policy.spec.rules.items():
            if not rule.in_force(now.date()):
                steps: Steps = ("spec", "rules", identifier)
                message = f"the waiver of `{identifier}` ended on {rule.until}; renew it or remove it"
                yield Finding("waiver-expired", "warn", message, "", policy.document.place(steps))


def policy_findings(project: LoadedProject, now: datetime) -> tuple[Finding, ...]:
    """What policies forbid of campaigns by their text alone, with the severities that the policies give.

    `plan` finds the same when it holds a campaign against the policies; `validate` says it without a plan.
    """
    policies = [each.policy for each in project.policies]
    found = (
        Finding(identifier, "error", fault.message, each.name, each.place(fault.steps))
        for each in project.campaigns
        for identifier, fault in policy_faults(policies, each.campaign)
    )
    return settled(found, policies, now)


def _environment_findings(name: str, environment: Environment, place: Place) -> Iterator[Finding]:
    url = environment.base_url
    fault = base_url_fault(url) if isinstance(url, str) else None
    if fault is not None and fault[0] == "ZS146":
        message = f"environment {name}: {fault[1]}; apply needs it in ZALOSYNC_ALLOWED_API_HOSTS"
        yield Finding("base-url-host", "warn", message, "", place)


def _campaign_findings(
    each: LoadedCampaign, environment: Environment, templates: Mapping[int, TemplateContract]
) -> Iterator[Finding]:
    spec = each.campaign.spec
    strict: Severity = "error" if environment.protected else "warn"
    if spec.template.name not in templates:
        message = (
            f"template {spec.template.name} is not in templates.lock.yaml; run `zalosync templates pull`"
        )
        yield Finding("template-unpinned", strict, message, each.name, each.place("spec.template.name"))
    if environment.protected and spec.encrypted and spec.sender not in environment.public_keys:
        message = "a protected environment needs the sender's pinned key; run `zalosync keys pin`"
        yield Finding("public-key-unpinned", "error", message, each.name, each.place("spec.sender"))
    contract = templates.get(spec.template.name)
    if contract is not None and contract.status not in SENDING_STATUSES:
        message = (
            f"the provider's status of template {spec.template.name} is {contract.status}: it does not send"
        )
        yield Finding("template-disabled", "error", message, each.name, each.place("spec.template.name"))
    failover = spec.sms_failover
    if failover is not None and spec.template.tag == "PROMOTION" and not _OPT_OUT.search(failover.text):
        message = "the text of a promotional SMS does not say how to refuse further ones"
        yield Finding(
            "failover-without-optout", "warn", message, each.name, each.place("spec.smsFailover.text")
        )
    if failover is not None and spec.retry is not None:
        message = "a message with an SMS failover is tried again only once its SMS has failed for certain"
        yield Finding("retry-with-failover", "warn", message, each.name, each.place("spec.retry"))
    window = spec.schedule.delivery_time_window
    if window is not None and clock_changes(window.zone):
        message = (
            f"clocks change in {window.timezone}: the window in UTC is right for one half of the year only"
        )
        yield Finding(
            "window-clock-change", "warn", message, each.name, each.place("spec.schedule.deliveryTimeWindow")
        )
