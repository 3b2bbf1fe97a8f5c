"""Zalo's own reasons to refuse a message that leaves: template, parameters, night, quotas, caps."""

from typing import Final, NamedTuple

from zalosync.sandbox import contract
from zalosync.sandbox.message import MICRO, Message, is_user_id
from zalosync.sandbox.schedule import day_of, is_night, month_of
from zalosync.sandbox.world import World

PROMOTION: Final = "PROMOTION"


class Verdict(NamedTuple):
    """A cause of `codes.CAUSES` where Zalo refuses (else None), and the price if the message is delivered."""

    cause: str | None
    price: int


def judge(world: World, message: Message, at: int) -> Verdict:
    """What Zalo says to a message at a moment, in Zalo's order; takes from the quotas what it uses."""
    if message.undecryptable:
        return Verdict("not_decrypted", 0)
    tag = "TRANSACTION"
    if message.template is None and world.settings.text_to_phone == "refuse" and not is_user_id(message.to):
        return Verdict("bad_mode", 0)
    if message.template is not None:
        found = contract.find(world, message.sender, message.template)
        if found is None:
            return Verdict("bad_template", 0)
        cause = _by_template(world, message, found, at)
        if cause:
            return Verdict(cause, 0)
        tag = found.tag
    return _by_quota(world, message, tag, at)


def _by_template(world: World, message: Message, found: contract.Contract, at: int) -> str | None:
    settings = world.settings
    if found.status != "ENABLE" or ((found.otp or not found.uid_allowed) and is_user_id(message.to)):
        return "bad_template"
    extra = settings.extra_parameters
    if contract.breach(found, message.values, encrypted=message.sealed, extra=extra):
        return "bad_parameters"
    if settings.night and found.tag in settings.night_tags and not found.otp and is_night(at):
        return "night"
    if found.daily_cap is not None and not world.use(f"template:{found.id}", day_of(at), found.daily_cap):
        return "quota"
    return None


def _by_quota(world: World, message: Message, tag: str, at: int) -> Verdict:
    settings = world.settings
    mode = message.options.get("sendingMode") or settings.sending_mode
    if mode == "OVER_THE_LIMIT" and tag != PROMOTION:
        return Verdict("bad_mode", 0)
    if not world.use(f"daily:{message.sender}", day_of(at), settings.daily_quota):
        return Verdict("quota", 0)
    if tag != PROMOTION:
        return Verdict(None, round(settings.price * MICRO))
    month = month_of(at)
    if not world.use(f"user:{message.sender}:{message.to}", month, settings.promotion_cap):
        return Verdict("user_cap", 0)
    quota = settings.monthly_promotion_quota
    if mode != "OVER_THE_LIMIT" and world.use(f"promotion:{message.sender}", month, quota):
        return Verdict(None, round(settings.price * MICRO))
    if mode == "REGULAR":
        return Verdict("quota", 0)
    return Verdict(None, round(settings.over_limit_price * MICRO))
