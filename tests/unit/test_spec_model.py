"""The shapes of the language: every key is read, every default is the documented one, nothing is ignored."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from zalosync.spec.model import Campaign
from zalosync.spec.outline import resolved, schema_of
from zalosync.spec.policy import Policy
from zalosync.spec.project import Prices, Project, TemplatesLock
from zalosync.spec.schema import KINDS
from zalosync.spec.values import Duration, Reading, Shape

READING = Reading(ZoneInfo("Asia/Ho_Chi_Minh"))
LEAST: dict[str, Any] = {
    "apiVersion": "zalosync/v1",
    "kind": "Campaign",
    "metadata": {"name": "order-shipped"},
    "spec": {
        "sender": "4097700000000000001",
        "template": {"name": 322307, "tag": "TRANSACTION"},
        "audience": {"path": "../audiences/orders.csv", "phone": "phone"},
        "templateData": {},
    },
}
FULL: dict[str, Any] = {
    **LEAST,
    "metadata": {
        "name": "order-shipped",
        "description": "Tells a customer",
        "owner": "crm@example.vn",
        "labels": {"team": "crm"},
        "previousNames": ["order-sent"],
    },
    "spec": {
        "occurrence": 2,
        "sender": "4097700000000000001",
        "template": {"name": 322307, "tag": "PROMOTION"},
        "audience": {
            "path": ["../audiences/a.csv", "../audiences/b*.csv"],
            "phone": "phone",
            "key": "{{ order_code }}",
            "region": "TH",
            "where": "{{ status == 'shipped' }}",
            "exclude": ["../suppressions/*.csv"],
            "consent": "consent_at",
            "onInvalid": "fail",
            "onDuplicate": "last",
            "minRecipients": 2,
            "maxRecipients": 200000,
        },
        "templateData": {"customer_name": "{{ name | title }}"},
        "encrypted": True,
        "schedule": {
            "sendAt": "2026-12-01T09:00:00+07:00",
            "expiresAt": "2026-12-01T11:00:00+07:00",
            "mode": "hold",
            "sendingSpeedLimit": {"amount": 300, "timeUnit": "HOUR"},
            "deliveryTimeWindow": {
                "days": ["TUESDAY", "MONDAY"],
                "from": "08:00",
                "to": "21:00",
                "timezone": "Asia/Bangkok",
                "allowWrap": True,
            },
        },
        "validityPeriod": "6h",
        "smsFailover": {"sender": "SHOPVN", "text": "Don", "validityPeriod": "2h", "asciiOnly": True},
        "platform": {"entityId": "shop-1", "applicationId": "prod"},
        "sendingMode": "AUTO",
        "tracking": {
            "shortenUrl": True,
            "trackClicks": True,
            "trackingUrl": "https://hooks.example.vn/c",
            "removeProtocol": True,
            "customDomain": "go.example.vn",
        },
        "webhooks": {
            "delivery": {
                "url": "https://hooks.example.vn/zalo/{token}",
                "intermediateReport": True,
                "notify": True,
            }
        },
        "retry": {"on": ["EXPIRED_EXPIRED"], "maxAttempts": 3, "after": "6h"},
        "onUnknown": "abandon",
        "onChange": "fail",
    },
}


def read(data: Mapping[str, Any]) -> Campaign:
    """A campaign from what its YAML holds."""
    return Campaign.model_validate_json(json.dumps(data), context=READING)


def test_the_defaults_of_a_campaign() -> None:
    """Those of the language's documentation, key by key."""
    spec = read(LEAST).spec
    assert spec.occurrence == 1
    assert spec.encrypted is False
    assert spec.audience.path == ("../audiences/orders.csv",)
    assert (spec.audience.key, spec.audience.where, spec.audience.consent) == (None, None, None)
    assert spec.audience.region == "VN"
    assert spec.audience.exclude == ()
    assert (spec.audience.on_invalid, spec.audience.on_duplicate) == ("skip", "first")
    assert (spec.audience.min_recipients, spec.audience.max_recipients) == (1, None)
    assert spec.schedule.send_at is None
    assert spec.schedule.expires_at is None
    assert spec.schedule.mode == "provider"
    assert spec.schedule.sending_speed_limit is None
    assert spec.schedule.delivery_time_window is None
    assert (spec.validity_period, spec.sms_failover, spec.platform, spec.webhooks, spec.retry) == (None,) * 5
    assert spec.sending_mode == "REGULAR"
    assert not any(spec.tracking.model_dump().values())
    assert (spec.on_unknown, spec.on_change) == ("hold", "ignore")


def test_every_key_of_a_campaign_reaches_its_attribute() -> None:
    """Attributes are the keys in snake_case; values come out as the types that others work with."""
    campaign = read(FULL)
    spec = campaign.spec
    assert campaign.metadata.previous_names == ("order-sent",)
    assert campaign.metadata.labels == {"team": "crm"}
    assert spec.audience.path == ("../audiences/a.csv", "../audiences/b*.csv")
    assert spec.template_data == {"customer_name": "{{ name | title }}"}
    assert spec.schedule.send_at == datetime(2026, 12, 1, 2, tzinfo=UTC)
    limit = spec.schedule.sending_speed_limit
    assert limit is not None
    assert (limit.amount, limit.time_unit, limit.unit_seconds) == (300, "HOUR", 3600)
    window = spec.schedule.delivery_time_window
    assert window is not None
    assert (window.days, window.from_, window.to) == (("MONDAY", "TUESDAY"), "08:00", "21:00")
    assert (window.timezone, window.allow_wrap) == ("Asia/Bangkok", True)
    assert spec.validity_period == Duration(6, "HOURS")
    assert spec.sms_failover is not None
    assert spec.sms_failover.validity_period == Duration(2, "HOURS")
    assert spec.retry is not None
    assert (spec.retry.on, spec.retry.max_attempts, spec.retry.after.seconds) == (
        ("EXPIRED_EXPIRED",),
        3,
        21_600,
    )
    assert spec.webhooks is not None
    assert spec.webhooks.delivery.url == "https://hooks.example.vn/zalo/{token}"


def test_no_key_is_ignored() -> None:
    """Each key of the full campaign, changed, changes what is read."""
    whole = read(FULL).model_dump(mode="json")
    for steps, value in _leaves(FULL):
        if steps[-1] in {"apiVersion", "kind"}:
            continue
        changed = json.loads(json.dumps(FULL))
        parent = changed
        for step in steps[:-1]:
            parent = parent[step]
        del parent[steps[-1]]
        try:
            read_back = read(changed).model_dump(mode="json")
        except ValidationError:
            continue  # a required key
        default_is_the_same = steps[-1] == "notify"
        assert (read_back == whole) == default_is_the_same, (steps, value)


def _leaves(data: Any, steps: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _leaves(value, (*steps, key))
    else:
        yield steps, data


def test_units_left_out() -> None:
    """`{amount}` alone means MINUTES for a validity and MINUTE for a speed."""
    data = json.loads(json.dumps(LEAST))
    data["spec"]["validityPeriod"] = {"amount": 6}
    data["spec"]["schedule"] = {"sendingSpeedLimit": {"amount": 6}}
    spec = read(data).spec
    assert spec.validity_period == Duration(6, "MINUTES")
    assert spec.schedule.sending_speed_limit is not None
    assert spec.schedule.sending_speed_limit.time_unit == "MINUTE"


@pytest.mark.parametrize(
    ("written", "fits"), [("48h", True), ("2880m", True), ("2881m", False), ("3d", False)]
)
def test_a_validity_is_48_hours_at_most(written: str, fits: bool) -> None:  # noqa: FBT001 - a table column
    """Equal is fine, a minute more is not: the provider would clip it silently."""
    data = json.loads(json.dumps(LEAST))
    data["spec"]["validityPeriod"] = written
    if fits:
        assert read(data).spec.validity_period is not None
    else:
        with pytest.raises(ValidationError, match="48 hours"):
            read(data)


def test_shapes_cannot_be_changed() -> None:
    """What was read stays as it was read."""
    campaign = read(LEAST)
    with pytest.raises(ValidationError):
        campaign.spec.occurrence = 2  # type: ignore[misc]


def test_a_policy() -> None:
    """Every limit, and nothing where none is named."""
    text = """{"apiVersion":"zalosync/v1","kind":"Policy","metadata":{"name":"g"},"spec":{
      "maxRecipientsPerPlan":500000,"maxNewShare":"50%","maxCost":{"amount":5000,"currency":"EUR"},
      "requireEncrypted":true,"allowPlaintextFailover":false,"allowedSenders":["4097700000000000001"],
      "quietHours":{"from":"22:00","to":"06:00","timezone":"Asia/Ho_Chi_Minh","tags":["PROMOTION"]},
      "frequencyCaps":[{"max":4,"per":"calendar-month","tag":"PROMOTION"},{"max":1,"per":"24h","labels":{"team":"crm"}}],
      "suppressions":["../suppressions/global.csv"],
      "approvals":[{"above":1000,"count":1},{"above":20000,"count":2,"notAuthor":true}],
      "rules":{"failover-without-optout":"error",
               "template-unpinned":{"severity":"off","reason":"new account","until":"2027-01-31"}}}}"""
    spec = Policy.model_validate_json(text, context=READING).spec
    assert spec.max_recipients_per_plan == 500_000
    assert spec.max_new_share is not None
    assert spec.max_new_share.percent == 50
    assert spec.max_cost is not None
    assert (spec.max_cost.amount, spec.max_cost.currency) == (Decimal(5000), "EUR")
    assert [cap.per for cap in spec.frequency_caps] == ["calendar-month", Duration(24, "HOURS")]
    assert [rule.not_author for rule in spec.approvals] == [False, True]
    waiver = spec.rules["template-unpinned"]
    assert waiver.in_force(date(2027, 1, 31))
    assert not waiver.in_force(date(2027, 2, 1))
    assert spec.rules["failover-without-optout"].in_force(date(2099, 1, 1))
    empty = Policy.model_validate_json(
        '{"apiVersion":"zalosync/v1","kind":"Policy","metadata":{"name":"g"},"spec":{}}'
    ).spec
    assert empty.model_dump(exclude_defaults=True) == {}
    assert (empty.require_encrypted, empty.allow_plaintext_failover, empty.allowed_senders) == (
        False,
        True,
        None,
    )


def test_a_project_has_the_documented_defaults() -> None:
    """The least project, and what each key means where it is absent."""
    text = '{"apiVersion":"zalosync/v1","kind":"Project","metadata":{"name":"p"},"spec":{"specs":["a.yaml"],"environments":{"live":{"baseUrl":"https://a.api.infobip.com"}}}}'
    spec = Project.model_validate_json(text).spec
    assert (spec.policies, spec.timezone, spec.default_environment, spec.prices) == ((), None, None, None)
    assert spec.allowed_webhook_hosts == ()
    live = spec.environments["live"]
    assert (live.protected, live.mgf1, live.batch_size, live.logs_per_minute) == (False, "sha1", 100, 10)
    assert (live.reports_path, live.api_key, live.ledger, live.public_keys) == (None, None, None, {})
    assert live.ledger_durable is False


def test_prices_and_pinned_templates() -> None:
    """Money as written; templates by their number."""
    prices = Prices.model_validate_json(
        '{"currency":"EUR","zalo":{"TRANSACTION":0.012},"sms":{"perSegment":0.03}}'
    )
    assert prices.zalo["TRANSACTION"] == Decimal("0.012")
    assert prices.sms is not None
    assert prices.sms.per_segment == Decimal("0.03")
    lock = TemplatesLock.model_validate_json(
        '{"templates":{"322307":{"sender":"4097700000000000001","status":"ENABLE","tag":"TRANSACTION",'
        '"pulledAt":"2026-11-23T08:00:00Z","parameters":{"a":{"required":true,"minLength":1,"maxLength":30}}}}}'
    )
    contract = lock.templates["322307"]
    assert contract.parameters["a"].max_length == 30
    assert contract.pulled_at == datetime(2026, 11, 23, 8, tzinfo=UTC)


def properties(model: type[Shape]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every key of a shape by its path, with its schema."""

    def walk(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for key, inner in resolved(model, schema).get("properties", {}).items():
            yield f"{path}{key}", inner
            yield from walk(inner, f"{path}{key}.")
            items = resolved(model, resolved(model, inner).get("items", {}))
            yield from walk(items, f"{path}{key}[].")
            extra = resolved(model, inner).get("additionalProperties")
            if isinstance(extra, dict):
                yield from walk(extra, f"{path}{key}.*.")

    yield from walk(schema_of(model), "")


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_has_a_description_and_an_example(kind: str) -> None:
    """Editors show them, errors use them, and the documentation is made of them."""
    model = KINDS[kind]
    for path, schema in properties(model):
        if path in {"spec", "zalo.*"} or path.endswith((".env", ".file", ".amount", ".timeUnit")):
            continue
        if path.startswith("spec.rules.*.") or ".per." in path:
            continue  # parts of a value that is described as a whole
        assert schema.get("description", "").endswith("."), path
        assert schema.get("examples"), path
