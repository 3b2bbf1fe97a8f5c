"""Findings: what a reader should know and what need not stop anything. Policies set their severity."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from zalosync.errors import Place
from zalosync.spec.policy import Policy, Rule, Severity

_STRENGTH: Mapping[Severity, int] = {"off": 0, "warn": 1, "error": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found.

    Attributes:
        id: a kebab-case name that `explain` knows.
        severity: error blocks a plan, warn is shown, off is left out.
        message: where, what and how much, without personal data.
        campaign: whose finding it is, or empty for the project's.
        place: where it stands, if in a file.
        count: how many messages or rows it is about, or 0.
    """

    id: str
    severity: Severity
    message: str
    campaign: str = ""
    place: Place | None = None
    count: int = 0


def severity_of(identifier: str, default: Severity, policies: Iterable[Policy], now: datetime) -> Severity:
    """The severity of a finding under the policies in force: the strictest word of any of them."""
    today = now.date()
    rules: list[Rule] = [
        rule
        for policy in policies
        if (rule := policy.spec.rules.get(identifier)) is not None and rule.in_force(today)
    ]
    if not rules:
        return default
    return max((rule.severity for rule in rules), key=lambda severity: _STRENGTH[severity])


def weaker(severity: Severity, than: Severity) -> bool:
    """Whether a severity is below another."""
    return _STRENGTH[severity] < _STRENGTH[than]


def settled(findings: Iterable[Finding], policies: Iterable[Policy], now: datetime) -> tuple[Finding, ...]:
    """The findings with the severities that the policies give them, without those that are off."""
    rules = tuple(policies)
    judged = (replace(each, severity=severity_of(each.id, each.severity, rules, now)) for each in findings)
    return tuple(each for each in judged if each.severity != "off")
