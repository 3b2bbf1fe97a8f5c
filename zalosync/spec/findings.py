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


def _rule_of(identifier: str, policies: Iterable[Policy], now: datetime) -> Rule | None:
    """What the policies in force say of a finding: the strictest word of any of them, or nothing."""
    today = now.date()
    rules = (policy.spec.rules.get(identifier) for policy in policies)
    in_force = [rule for rule in rules if rule is not None and rule.in_force(today)]
    return max(in_force, key=lambda rule: _STRENGTH[rule.severity], default=None)


def weaker(severity: Severity, than: Severity) -> bool:
    """Whether a severity is below another."""
    return _STRENGTH[severity] < _STRENGTH[than]


def settled(findings: Iterable[Finding], policies: Iterable[Policy], now: datetime) -> tuple[Finding, ...]:
    """The findings with the severities that the policies give them, without those that are off.

    What would have blocked is never hidden: waived, it says so, by whose reason and until when.
    """
    rules = tuple(policies)
    judged = (_settled(each, _rule_of(each.id, rules, now)) for each in findings)
    return tuple(each for each in judged if each.severity != "off")


def _settled(finding: Finding, rule: Rule | None) -> Finding:
    if rule is None:
        return finding
    if finding.severity != "error" or not weaker(rule.severity, finding.severity):
        return replace(finding, severity=rule.severity)
    how = f"waived until {rule.until}: {rule.reason}" if rule.until else "a policy lowers it"
    return replace(finding, severity="warn", message=f"{finding.message} ({how})")
