"""What becomes of a message, from the seed and its id alone: the same run always ends the same way.

No global randomness: each message draws its numbers from a keyed hash of (seed, message id, how often it was
taken), and one more for each rule that wants a share. So a share is that of the messages which come to its
rule, whatever other rules took before, and a rule that is put in draws for no other.
"""

from fnmatch import fnmatchcase
from functools import lru_cache
from hashlib import blake2b
from struct import pack, unpack
from typing import NamedTuple

from zalosync.sandbox.settings import Rule, Settings

_UNIT = 1 / 2**32
_SHORTEST = 0.2  # of the median


class Draw(NamedTuple):
    """Four numbers in [0, 1) that belong to one message."""

    fate: float
    delay: float
    sms: float
    sample: float


@lru_cache(maxsize=16)
def _key(seed: int) -> bytes:
    return seed.to_bytes(16, "big", signed=True)


def draw(seed: int, message_id: str, times_taken: int = 0) -> Draw:
    """The numbers of a message; another acceptance of the same id draws others."""
    data = message_id if not times_taken else f"{message_id}#{times_taken}"
    a, b, c, d = unpack(
        ">4I", blake2b(data.encode(errors="surrogatepass"), digest_size=16, key=_key(seed)).digest()
    )
    return Draw(a * _UNIT, b * _UNIT, c * _UNIT, d * _UNIT)


def choose(settings: Settings, numbers: Draw, *, to: str, template: int | None, sender: str) -> str:
    """The fate by the first rule that matches, else by the shares: a name of `Rule.fate`."""
    for rule, seed in _seeded(settings.rules) if settings.rules else ():
        if _matches(rule, to, template, sender) and (rule.share >= 1 or _own(numbers, seed) < rule.share):
            return rule.fate
    point = numbers.fate
    for name, share in settings.shares.listed:
        if point < share:
            return name
        point -= share
    return "delivered"


@lru_cache(maxsize=16)
def _seeded(rules: tuple[Rule, ...]) -> tuple[tuple[Rule, bytes], ...]:
    """Each rule with a seed of its own, made from what it matches and its fate, not from its place."""
    names = [repr((rule.fate, rule.to, rule.template, rule.sender)) for rule in rules]
    return tuple(
        (rule, blake2b(f"{name} {names[:place].count(name)}".encode(), digest_size=16).digest())
        for place, (rule, name) in enumerate(zip(rules, names, strict=True))
    )


def _own(numbers: Draw, seed: bytes) -> float:
    """A number in [0, 1) for one message and one rule."""
    data = pack(">4d", numbers.fate, numbers.delay, numbers.sms, numbers.sample)
    return int.from_bytes(blake2b(data, digest_size=4, key=seed).digest()) * _UNIT


def _matches(rule: Rule, to: str, template: int | None, sender: str) -> bool:
    return (
        (rule.to is None or fnmatchcase(to, rule.to))
        and (rule.template is None or rule.template == template)
        and (rule.sender is None or rule.sender == sender)
    )


def delay_ms(settings: Settings, numbers: Draw) -> int:
    """How long the outcome takes: half within the median, all within the maximum, a long tail between."""
    half = numbers.delay * 2
    if half < 1:
        return int(settings.delay_median_ms * (_SHORTEST + (1 - _SHORTEST) * half))
    rest = half - 1
    span = settings.delay_max_ms - settings.delay_median_ms
    return int(settings.delay_median_ms + span * rest**3)
