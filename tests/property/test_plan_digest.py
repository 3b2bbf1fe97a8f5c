"""The plan's digest: the same for whatever sends the same, another for whatever sends anything else."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from tests.support.worlds import OTHER, SENDER, Manner, Row, Tree, World, digest, spec_of
from zalosync.spec.model import CampaignSpec
from zalosync.spec.values import Shape

Change = Callable[[World], World | None]  # None: there is no such thing in this world

_letters = st.text("abcđêươ ", min_size=1, max_size=8).filter(str.strip)
_manners = st.builds(
    Manner,
    st.integers(0, 9999),
    st.sampled_from(("project", "another folder", "đơn hàng")),
    st.sampled_from(("0" * 40, "f" * 40, "")),
    st.sampled_from((timedelta(), timedelta(seconds=1), timedelta(hours=3))),
)


@st.composite
def rows(draw: st.DrawFn) -> tuple[Row, ...]:
    """People, each with a code of their own."""
    numbers = draw(st.lists(st.integers(0, 999), min_size=1, max_size=6, unique=True))
    return tuple((f"0901234{number:03d}", draw(_letters), f"DH{number}") for number in numbers)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Projects with and without the parts that may be absent."""
    absent = draw(st.sets(st.sampled_from(("validityPeriod", "platform", "retry", "webhooks", "occurrence"))))
    spec = spec_of(encrypted=draw(st.booleans()), **dict.fromkeys(absent))
    return World(draw(rows()), spec, name=draw(st.sampled_from(("orders", "a", "z-9"))))


# --- what changes what is sent ------------------------------------------------------------------------


def _edited(tree: Tree, path: str, value: Any) -> Tree:
    """A tree with another value at a path; None takes it out."""
    name, _, rest = path.partition(".")
    below = _edited(tree.get(name) or {}, rest, value) if rest else value
    return {each: found for each, found in (tree | {name: below}).items() if found is not None}


def _in(part: str, path: str, value: Any) -> Change:
    def change(world: World) -> World:
        edited: dict[str, Any] = {part: _edited(getattr(world, part), path, value)}
        return replace(world, **edited)

    return change


def _spec(path: str, value: Any) -> Change:
    """Another value in a part of the spec; of a part that a world has not, nothing changes."""
    part, _, below = path.partition(".")

    def change(world: World) -> World | None:
        if below and part not in world.spec:
            return None
        return replace(world, spec=_edited(world.spec, path, value))

    return change


def _to(**changes: Any) -> Change:
    return lambda world: replace(world, **changes)


def _row(edit: Callable[[Row], Row]) -> Change:
    return lambda world: replace(world, rows=(edit(world.rows[0]), *world.rows[1:]))


# Every key of a campaign's `spec`, with another value than `spec_of` gives it.
SPEC: dict[str, Any] = {
    "occurrence": 2,
    "sender": OTHER,
    "template.name": 322308,
    "template.tag": "CUSTOMER_CARE",
    "audience.phone": "phone2",
    "audience.key": "{{ code }}-{{ name }}",
    "audience.region": "TH",
    "audience.where": "{{ name != 'somebody' }}",
    "audience.consent": "code",
    "audience.onInvalid": "fail",
    "audience.onDuplicate": "last",
    "audience.minRecipients": 0,
    "audience.maxRecipients": 400,
    "templateData": {"customer_name": "{{ name }}!", "order_code": "{{ code }}"},
    "schedule.sendAt": "2026-12-02T09:00:01+07:00",
    "schedule.expiresAt": "2026-12-02T11:00:01+07:00",
    "schedule.mode": "hold",
    "schedule.sendingSpeedLimit.amount": 299,
    "schedule.sendingSpeedLimit.timeUnit": "HOUR",
    "schedule.deliveryTimeWindow.days": ["WEDNESDAY", "THURSDAY"],
    "schedule.deliveryTimeWindow.from": "08:01",
    "schedule.deliveryTimeWindow.to": "20:59",
    "schedule.deliveryTimeWindow.timezone": "Asia/Bangkok",
    "schedule.deliveryTimeWindow.allowWrap": True,
    "validityPeriod": "5h",
    "smsFailover.sender": "SHOP",
    "smsFailover.text": "Don hang {{ code }}",
    "smsFailover.validityPeriod": "1h",
    "smsFailover.asciiOnly": False,
    "platform.entityId": "shop-2",
    "platform.applicationId": "test",
    "sendingMode": "AUTO",
    "tracking.trackClicks": False,
    "tracking.trackingUrl": "https://hooks.example.vn/other",
    "tracking.removeProtocol": True,
    "tracking.customDomain": "hooks.example.vn",
    "webhooks.delivery.url": "https://hooks.example.vn/other/{token}",
    "webhooks.delivery.intermediateReport": True,
    "retry.on": ["UNDELIVERABLE_NOT_SENT"],
    "retry.maxAttempts": 3,
    "retry.after": "5h",
    "onUnknown": "abandon",
    "onChange": "fail",
}
# Where files lie and how they are written; who is suppressed lies outside: a plan shrinks by them.
UNBOUND = {"audience.path", "audience.exclude", "audience.encoding"}

CHANGES: dict[str, Change] = {
    **{f"spec.{path}": _spec(path, value) for path, value in SPEC.items()},
    "spec.encrypted": lambda world: replace(
        world, spec=_edited(world.spec, "tracking", None) | {"encrypted": not world.spec["encrypted"]}
    ),
    "spec.tracking.shortenUrl": lambda world: (
        replace(world, spec=world.spec | {"tracking": {"shortenUrl": False}})
        if "tracking" in world.spec
        else None
    ),
    "spec.webhooks.delivery.notify": _spec("webhooks", {"delivery": {"notify": False}}),
    "the name": _to(name="other"),
    "the project key": _to(key=b"j" * 32),
    "the sender's RSA key": lambda world: (
        replace(world, public_key="sha256:" + "1" * 64) if world.spec["encrypted"] else None
    ),
    "the lineage": _to(lineage="two"),
    "the ledger's serial": _to(claims=1),
    "the environment": _to(environment_name="there"),
    "the address": _to(base_url="https://abc123.api.infobip.com"),
    "protected": _in("environment", "protected", value=True),
    "mgf1": _in("environment", "mgf1", "sha256"),
    "batchSize": _in("environment", "batchSize", 99),
    "reportsPath": _in("environment", "reportsPath", "/zalo/2/reports"),
    "publicKeys": _in("environment", "publicKeys", {SENDER: "sha256:" + "2" * 64}),
    "allowedWebhookHosts": _in(
        "project", "allowedWebhookHosts", ["hooks.example.vn", "go.example.vn", "evil.vn"]
    ),
    "a policy's limit": _in("policy", "maxRecipientsPerPlan", 999),
    "a policy's new part": _in("policy", "requireEncrypted", value=True),
    "a policy's approvals": _in("policy", "approvals", [{"above": 0, "notAuthor": True}]),
    "a further policy": _to(policies=("guardrails", "more")),
    "the signers": _to(signers="mai@example.vn ssh-ed25519 BBBB\n"),
    "the contract's status": _in("contract", "status", "DISABLE"),
    "the contract's lengths": _in(
        "contract", "parameters", {"customer_name": {"maxLength": 31}, "order_code": {}}
    ),
    "a row more": lambda world: replace(world, rows=(*world.rows, ("0907654321", "new", "NEW1"))),
    "a row less": lambda world: replace(world, rows=world.rows[1:] or (("0907654321", "new", "NEW1"),)),
    "another phone": _row(lambda row: ("0907654321", *row[1:])),
    "another value": _row(lambda row: (row[0], f"{row[1]}x", row[2])),
    "another code": _row(lambda row: (*row[:2], f"{row[2]}x")),
}


@settings(max_examples=30)
@given(worlds(), _manners, _manners)
def test_what_sends_the_same_has_the_same_digest(world: World, one: Manner, two: Manner) -> None:
    """Comments, order of keys and rows, white space, quotes, names of files and folders, commit and time."""
    assert digest(world, one) == digest(world, two)


@settings(max_examples=40)
@given(worlds(), st.sampled_from(sorted(CHANGES)), _manners, _manners)
def test_what_sends_anything_else_has_another(world: World, change: str, one: Manner, two: Manner) -> None:
    """Whatever changes, however both are written."""
    changed = CHANGES[change](world)
    assume(changed is not None)
    assert changed is not None
    assert digest(world, one) != digest(changed, two)


PEOPLE = (("0901234567", "an", "DH1"), ("0901234568", "bình", "DH2"))
BOTH = tuple(World(PEOPLE, spec_of(encrypted=encrypted)) for encrypted in (False, True))


@pytest.fixture(scope="module")
def before() -> list[str]:
    """The digests of a plain and of an encrypted campaign with every part."""
    return [digest(world, Manner(1)) for world in BOTH]


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_alone(before: list[str], change: str) -> None:
    """None of them is left out of the digest."""
    found = [(same, CHANGES[change](world)) for same, world in zip(before, BOTH, strict=True)]
    same, changed = next((same, changed) for same, changed in found if changed is not None)
    assert digest(changed, Manner(1)) != same


def _paths(shape: type[BaseModel], above: str = "") -> Iterator[str]:
    """The keys of a shape that hold values, also of the shapes in it."""
    for name, field in shape.model_fields.items():
        path = above + (field.alias or to_camel(name))
        below = [each for each in (field.annotation, *get_args(field.annotation)) if _is_shape(each)]
        if below:
            yield from _paths(below[0], f"{path}.")
        else:
            yield path


def _is_shape(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Shape)


def test_no_key_of_a_campaign_is_left_out() -> None:
    """A new key of the language is bound too, or stands here with its reason."""
    changed = {path.removeprefix("spec.") for path in CHANGES if path.startswith("spec.")}
    assert set(_paths(CampaignSpec)) == changed | UNBOUND
