"""Messages of a plan, outside of memory: what is asked of them is of what they are at that moment."""

import polars as pl

from zalosync.compose.digests import halves
from zalosync.plan.decide import Action
from zalosync.plan.messages import PlannedMessages


def decided(*messages: bytes) -> pl.DataFrame:
    """Messages that are to be sent, each with itself for a fingerprint."""
    columns = {**halves("m", list(messages)), **halves("f", list(messages))}
    return pl.DataFrame(columns).with_columns(pl.lit(int(Action.SEND), pl.UInt8).alias("action"))


def test_a_digest_is_of_all_there_is() -> None:
    """One that was asked for before says nothing of what came, or was changed, since."""
    messages, columns = PlannedMessages(), ("message", "fingerprint", "action")
    messages.append(decided(b"a" * 16, b"b" * 16))
    digests = [messages.digest(*columns)]
    messages.append(decided(b"c" * 16))
    digests.append(messages.digest(*columns))
    messages.mark([1], Action.CAPPED)
    digests.append(messages.digest(*columns))
    assert len(set(digests)) == 3
    assert digests[-1] == messages.digest(*columns)
    assert messages.digest("message") != messages.digest("message", "action")
    at_once = PlannedMessages()
    at_once.append(decided(b"a" * 16, b"b" * 16, b"c" * 16))
    assert at_once.digest(*columns) == digests[1]
