"""The JSON Schemas and the models agree: editors underline nothing that is right, and every plain limit."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import jsonschema  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.test_spec_model import FULL, READING
from zalosync.spec.document import read_document
from zalosync.spec.meaning import campaign_faults
from zalosync.spec.model import Campaign
from zalosync.spec.safe_open import FileRefused, inside
from zalosync.spec.schema import KINDS, json_schema
from zalosync.spec.shape import shaped

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
HEAD = {"apiVersion": "zalosync/v1"}
POLICY: dict[str, Any] = {
    **HEAD,
    "kind": "Policy",
    "metadata": {"name": "guardrails"},
    "spec": {
        "maxRecipientsPerPlan": 500_000,
        "maxNewShare": "50%",
        "maxCost": {"amount": 5000, "currency": "EUR"},
        "requireEncrypted": True,
        "allowPlaintextFailover": False,
        "allowedSenders": ["4097700000000000001"],
        "allowedTemplates": [322307],
        "quietHours": {"from": "22:00", "to": "06:00", "timezone": "Asia/Ho_Chi_Minh", "tags": ["PROMOTION"]},
        "frequencyCaps": [
            {"max": 4, "per": "calendar-month", "tag": "PROMOTION"},
            {"max": 1, "per": "24h", "labels": {"team": "crm"}},
        ],
        "suppressions": ["../suppressions/global.csv"],
        "approvals": [{"above": 1000, "count": 2, "notAuthor": True, "signed": True}],
        "allowedSigners": "../allowed_signers",
        "rules": {
            "failover-without-optout": "warn",
            "template-unpinned": {"severity": "off", "reason": "a new account", "until": "2027-01-31"},
        },
    },
}
PROJECT: dict[str, Any] = {
    **HEAD,
    "kind": "Project",
    "metadata": {"name": "shop-crm"},
    "spec": {
        "specs": ["specs/**/*.yaml"],
        "policies": ["policies/*.yaml"],
        "timezone": "Asia/Ho_Chi_Minh",
        "defaultEnvironment": "production",
        "environments": {
            "production": {
                "baseUrl": "https://abc123.api.infobip.com",
                "apiKey": {"env": "INFOBIP_API_KEY"},
                "ledger": "postgresql://db.example.vn/zalosync",
                "protected": True,
                "publicKeys": {"4097700000000000001": f"sha256:{'0' * 64}"},
                "mgf1": "sha256",
                "reportsPath": "/zalo/1/reports",
                "batchSize": 100,
                "logsPerMinute": 10,
                "webhook": {"security": "hmac", "credential": {"file": "secrets/hmac"}, "prefix": ""},
                "ledgerDurable": True,
            }
        },
        "allowedWebhookHosts": ["hooks.example.vn"],
        "audienceLimits": {"rows": 50_000_000, "bytes": 10_000_000_000},
        "prices": "prices.yaml",
    },
}
PRICES: dict[str, Any] = {"currency": "EUR", "zalo": {"TRANSACTION": 0.012}, "sms": {"perSegment": 0.03}}
LOCK: dict[str, Any] = {
    "templates": {
        "322307": {
            "sender": "4097700000000000001",
            "status": "ENABLE",
            "tag": "TRANSACTION",
            "displayName": "Order shipped",
            "pulledAt": "2026-11-23T08:00:00Z",
            "parameters": {"code": {"required": True, "minLength": 1, "maxLength": 30, "type": "STRING"}},
        }
    }
}
CAMPAIGN = copy.deepcopy(FULL)
CAMPAIGN["spec"]["encrypted"] = False
WHOLE = {
    "campaign": CAMPAIGN,
    "policy": POLICY,
    "project": PROJECT,
    "prices": PRICES,
    "templates-lock": LOCK,
}
PATHS = ("specs", "policies", "prices", "suppressions", "allowedSigners")
VALIDATORS = {kind: jsonschema.Draft7Validator(json_schema(kind)) for kind in KINDS}
Steps = tuple[str | int, ...]
# What the models refuse by more than the form of one value: another key's value, a calendar, a list of zones,
# the parts of an address. Everything else that they refuse, a schema refuses too.
BEYOND = {
    "ZS102",  # a path that leaves the project
    "ZS104",  # a path that names a folder
    "ZS135",  # an amount of nothing with a unit
    "ZS138",  # a day that is in no calendar
    "ZS139",  # a zone that is not in the list
    "ZS145",  # an address with a port, a user, and so on
    "ZS147",  # a ledger outside of the project
    "ZS142",  # a password within an address
    "ZS202",  # a former name that is the present one
    "ZS203",
    "ZS204",
    "ZS205",
    "ZS206",
    "ZS207",
    "ZS208",
    "ZS212",
    "ZS215",
    "ZS225",
}


def places(value: Any, steps: Steps = ()) -> Iterator[Steps]:
    """Every place of a document below its head."""
    yield steps
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inner:
        yield from places(each, (*steps, step))


def at(document: Any, steps: Steps) -> Any:
    """What stands at a place."""
    for step in steps:
        document = document[step]
    return document


def refused_by_models(kind: str, document: Any) -> set[str]:
    """The codes of what is wrong with it, by its shape and, of a campaign, by its meaning."""
    read = read_document(json.dumps(document, ensure_ascii=False).encode(), "a.yaml")
    found = shaped(read, KINDS[kind], READING, trusted=True)
    codes = {problem.code for problem in found.problems}
    if isinstance(found.shape, Campaign):
        codes |= {fault.code for fault in campaign_faults(found.shape, None, "a/b/c.yaml", NOW)}
    return codes


def refused_as_path(document: Any) -> bool:
    """Whether a path is wrong that only the reader of a project looks at."""
    for steps in places(document):
        if steps[1:2] and steps[1] in PATHS and isinstance(at(document, steps), str):
            try:
                inside(at(document, steps), named_in="a/b/c.yaml")
            except FileRefused:
                return True
    return False


TEXTS = st.one_of(
    st.sampled_from(["", " ", "a", "A-b", "x" * 70, "x" * 256, "x" * 2049, "a\u200bb", "a\nb", "0", "007"]),
    st.sampled_from(
        ["2026-02-30", "2026-12-24T09:00:00Z", "25:00", "49h", "0h", "48h", "2881m", "3d", "1e3"]
    ),
    st.sampled_from(["/abs", "~x", "a\\b", "C:x", "https://a.b", "http://localhost:1", "a.b", "sqlite:///x"]),
    st.sampled_from(
        ["https://a.vn/{token}/{token}", "https://a.vn/{x}", "https://a.vn:444/", "HTTPS://A.vn?q#"]
    ),
    st.text(st.characters(exclude_categories=["Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"]), max_size=12),
)
VALUES = st.one_of(
    TEXTS,
    st.integers(-2, 3),
    st.sampled_from([11, 49, 601, 1001, 2**31 - 1, 2**31, 10**12, 10**12 + 1, 0.5, True, False]),
    st.sampled_from([[], {}, ["a"], ["MONDAY", "MONDAY"], {"a": "b"}, {"amount": 3}, {"amount": 0}]),
)


@st.composite
def changed(draw: st.DrawFn) -> tuple[str, Any]:
    """A right document with one change: a value, a sign of a text, a key more, or a key less."""
    kind = draw(st.sampled_from(sorted(WHOLE)))
    document = copy.deepcopy(WHOLE[kind])
    *above, last = draw(st.sampled_from([steps for steps in places(document) if steps]))
    holder = at(document, tuple(above))
    was = holder[last]
    how = draw(st.sampled_from(["value", "sign", "less", "more"]))
    if how == "sign" and isinstance(was, str):
        place = draw(st.integers(0, len(was)))
        sign = draw(st.sampled_from([*"0aZ-_. /:{}#@%\\", "\u00a0", "đ", ""]))
        holder[last] = was[:place] + sign + was[place + draw(st.integers(0, 1)) :]
    elif how == "less":
        del holder[last]
    elif how == "more" and isinstance(was, dict):
        was[draw(TEXTS)] = draw(VALUES)
    else:
        holder[last] = draw(VALUES)
    return kind, document


def test_the_documents_are_right() -> None:
    """By their schemas and by the models."""
    for kind, document in WHOLE.items():
        assert list(VALIDATORS[kind].iter_errors(document)) == []
        assert refused_by_models(kind, document) == set()


@given(changed())
@settings(max_examples=200)
def test_schemas_and_models_agree(case: tuple[str, Any]) -> None:
    """What a schema refuses, the models refuse; what they refuse for its form alone, the schema refuses."""
    kind, document = case
    by_schema = not VALIDATORS[kind].is_valid(document)
    by_models = refused_by_models(kind, document)
    if by_schema:
        assert by_models or refused_as_path(document)
    elif by_models:
        assert by_models <= BEYOND
