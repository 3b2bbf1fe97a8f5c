"""A plan of any size, with names of any kind, fits the comment that CI posts; whole parts are left out."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from zalosync.console.diff_markdown import diff_markdown
from zalosync.console.display import plural
from zalosync.console.markdown import LONGEST
from zalosync.console.plan_markdown import plan_markdown
from zalosync.plan.shape import TOTALS

# Texts that grow when they are made safe, and ordinary ones, as long as a file system lets paths be.
TEXTS = st.builds(
    lambda part, times: (part * times)[:3_000],
    st.text(alphabet="`@<!-aé|#[]() ", min_size=1, max_size=12),
    st.integers(1, 3_000),
)
MANY = st.one_of(st.integers(0, 5), st.integers(0, 400))
DIGEST = "sha256:" + "0" * 64


def finding(text: str) -> dict[str, Any]:
    """One with this text wherever a text may stand."""
    return {"id": "quota-exceeded", "severity": "error", "message": text, "count": 1, "place": text}


def campaign(text: str, findings: int, files: int, values: int) -> dict[str, Any]:
    """One that sends, with so many of everything."""
    number = 10**12
    sample = {"values": {f"v{place}{text}": text for place in range(values)}, "failover": text, "segments": 3}
    return {
        "name": text,
        "file": text,
        "files": [text] * files,
        "occurrence": 1,
        "template": 2**31,
        "tag": "CUSTOMER_CARE",
        "sender": text,
        "encrypted": True,
        "failover": True,
        "failover_sender": text,
        "webhook_host": text,
        "totals": {"audience": number, **dict.fromkeys(TOTALS, number)},
        "skipped": {"invalid-phone": number, "frequency-cap": number},
        "repairs": {"separators": number},
        "findings": [finding(text)] * findings,
        "failover_segments": number,
        "tracking_hosts": [text] * 3,
        "cost": {"currency": "EUR", "all_zalo": 1.0, "all_failover": 2.0, "min": 1.0, "max": 2.0},
        "schedule": {
            "starts_at": "2026-12-01T05:00:00Z",
            "ends_at": "2026-12-02T05:00:00Z",
            "send_at": "2026-12-01T05:00:00Z",
            "expires_at": "2026-12-03T05:00:00Z",
            "irrevocable": "handed-over",
            "mode": "provider",
            "speed_limit": {"amount": number, "time_unit": "MINUTE"},
            "window": {"days": ["MONDAY"] * 6, "from": "08:00", "to": "20:00", "timezone": text},
            "validity_seconds": 90 * 60,
        },
        "since": {
            "run_id": text,
            "at": "2026-12-01T05:00:00Z",
            "rows": 1,
            "recipients": 1,
            "skipped": {"invalid-phone": 1},
        },
        "samples": [sample],
        "skip_samples": [{"reason": "invalid-phone", "file": text, "line": number, "why": text, "values": {}}]
        * findings,
    }


@settings(max_examples=25)
@given(text=TEXTS, campaigns=MANY, findings=MANY, own=MANY, rules=MANY, cancels=MANY, explain=st.booleans())
def test_a_plan_fits(
    *, text: str, campaigns: int, findings: int, own: int, rules: int, cancels: int, explain: bool
) -> None:
    """Under 60,000 characters, digest and approvals at its end, what is left out counted, details closed."""
    number = 10**12
    rule = {
        "count": 2,
        "not_author": True,
        "signed": True,
        "by": text,
        "above": number,
        "messages": number,
        "sms": number,
    }
    approval = {
        "name": text,
        "at": "2026-12-01T06:00:00Z",
        "reason": text,
        "actor": text,
        "signed": True,
        "older": True,
    }
    sealed = {
        "state": "stale",
        "reason": text,
        "missing": text,
        "created_at": "2026-12-01T05:00:00Z",
        "expires_at": "2026-12-02T05:00:00Z",
        "actor": text,
        "commit": text,
        "dirty": True,
        "approvals": [approval] * rules,
    }
    shown = plan_markdown(
        {
            "kind": "send",
            "environment": text,
            "base_url": text,
            "timezone": "Asia/Ho_Chi_Minh",
            "digest": DIGEST,
            "complete": True,
            "blocked": True,
            "totals": {"audience": 10**12, **dict.fromkeys(TOTALS, 10**12)},
            "cancels": [{"campaign": text, "gone": "campaign", "count": 10**12}] * cancels,
            "cost": None,
            "approvals_needed": [rule] * rules,
            "findings": [finding(text)] * findings,
            "campaigns": [campaign(text, own, own, own)] * campaigns,
            **({"sealed": sealed} if cancels % 2 else {}),
        },
        explain=explain,
    )
    assert len(shown) < LONGEST
    lines = shown.splitlines()
    assert lines[-1] == f"Digest: `{DIGEST}`"
    assert shown.count("\n<details>\n") == shown.count("\n</details>\n")
    if campaigns and own:
        assert f"**quota-exceeded**, {plural(campaigns * own, 'finding')}, in " in shown
    left = shown.count("did not fit here")
    assert left == ("truncated=true" in lines[0])
    assert bool(rules) == any("approval" in line for line in lines)
    if campaigns and not left:
        assert sum(line.startswith("#### ") for line in lines) == campaigns


@settings(max_examples=25)
@given(text=TEXTS, campaigns=MANY, inputs=MANY, cancels=MANY)
def test_a_diff_fits(text: str, campaigns: int, inputs: int, cancels: int) -> None:
    """The same of what differs between two plans; both digests are there."""
    actions = [{"from": "send", "to": f"to{place}", "count": 10**12} for place in range(80)]
    counts = dict.fromkeys(("came", "went", "changed", "same"), 10**12)
    shown = diff_markdown(
        {
            "same": False,
            "before": {"digest": DIGEST, "to_send": 10**12},
            "after": {"digest": DIGEST, "to_send": 10**12},
            "inputs": [text] * inputs,
            "cancels": [{"campaign": text, "before": 1, "after": 10**12}] * cancels,
            "campaigns": [{"name": text, "in": "before", **counts, "actions": actions}] * campaigns,
        }
    )
    assert len(shown) < LONGEST
    lines = shown.splitlines()
    assert lines[-1] == f"From `{DIGEST}` to `{DIGEST}`"
    shown_campaigns = sum(line.startswith("#### ") for line in lines)
    assert shown_campaigns + ("did not fit here" in shown) > 0 or not campaigns
    assert (shown_campaigns == campaigns) == ("did not fit here" not in shown)
