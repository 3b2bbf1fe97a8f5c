"""Identities: of the key and the spec alone, never two alike for different things, the same everywhere."""

import subprocess
import sys

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.command import environment
from zalosync.compose.canonical import contents
from zalosync.compose.message import (
    DIGEST_BYTES,
    MESSAGE_ID_BYTES,
    Identity,
    Keys,
    Maker,
    bulk_id,
    message_id_bytes,
    message_id_text,
    webhook_token,
)

KEYS = Keys(bytes(range(32)))
BASE32 = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
secrets = st.binary(min_size=32, max_size=32)
texts = st.text(max_size=12)
digests = st.binary(min_size=DIGEST_BYTES, max_size=DIGEST_BYTES)
ids = st.binary(min_size=MESSAGE_ID_BYTES, max_size=MESSAGE_ID_BYTES)


odd_texts = st.one_of(st.none(), texts, st.text(alphabet='"\\\n\r\t\x00\x1f\x7f/\u2028é"', max_size=6))


@given(st.data())
def test_contents_in_columns(data: st.DataObject) -> None:
    """The content of many rows is written as that of each is, whatever texts and names are made of."""
    names = data.draw(st.lists(st.text(min_size=1, max_size=9), max_size=3, unique=True))
    rows = data.draw(st.lists(st.tuples(odd_texts, *(odd_texts for _ in names)), max_size=5))
    columns = list(zip(*rows, strict=True)) or [()] * (1 + len(names))
    values = pl.DataFrame(dict(zip(names, columns[1:], strict=True)), schema=dict.fromkeys(names, pl.String))
    failover = pl.Series(columns[0], dtype=pl.String)
    identity = Identity(KEYS, "c", 1)
    made = identity.fingerprints(contents(7, values, failover).to_list())
    assert made == [identity.fingerprint(7, dict(zip(names, row, strict=True)), text) for text, *row in rows]


@given(texts, st.integers(1, 999), texts, texts, st.integers(1, 999), texts)
def test_fields_cannot_be_shifted(
    campaign: str, occurrence: int, key: str, campaign_2: str, occurrence_2: int, key_2: str
) -> None:
    """Different campaign, occurrence or key give different messages, however the characters are parted."""
    one = Identity(KEYS, campaign, occurrence).message(key)
    two = Identity(KEYS, campaign_2, occurrence_2).message(key_2)
    assert (one == two) == ((campaign, occurrence, key) == (campaign_2, occurrence_2, key_2))


@given(st.text("ab1", min_size=1, max_size=8), st.data())
def test_no_two_partings_of_a_text_are_alike(text: str, data: st.DataObject) -> None:
    """The same characters, parted elsewhere between campaign and key, are another message."""
    cuts = data.draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=2, unique=True))
    one, two = (Identity(KEYS, text[:cut], 1).message(text[cut:]) for cut in cuts)
    assert one != two


@given(secrets, secrets, texts)
def test_another_key_gives_other_identities(secret: bytes, other: bytes, key: str) -> None:
    """Nothing made with one key says anything about another: message, recipient, id, fingerprint differ."""
    assume(secret != other)
    made = []
    for each in (secret, other):
        keys = Keys(each)
        identity = Identity(keys, "c", 1)
        message = identity.message(key)
        made.append(
            (
                message,
                identity.recipient(key),
                identity.message_id(b"m" * 16, 1),
                identity.fingerprint(1, {"a": key}, None),
                keys.fingerprint,
                keys.evidence_digest(b"x"),
                webhook_token(keys, "production"),
            )
        )
    assert all(one != two for one, two in zip(*made, strict=True))


@given(texts)
def test_uses_are_apart(text: str) -> None:
    """A phone as key, as recipient and as content gives three unlike digests, of 16 bytes each."""
    identity = Identity(KEYS, "", 1)
    found = {identity.message(text), identity.recipient(text), identity.fingerprint(1, {"": text}, None)}
    assert len(found) == 3
    assert {len(digest) for digest in found} == {DIGEST_BYTES}


@given(texts)
def test_recipients_are_the_same_in_all_campaigns(phone: str) -> None:
    """Caps and suppression count a phone over all campaigns and occurrences."""
    assert Identity(KEYS, "a", 1).recipient(phone) == Identity(KEYS, "b", 7).recipient(phone)


@given(digests, st.integers(1, 2**32 - 1), digests, st.integers(1, 2**32 - 1))
def test_message_ids(message: bytes, attempt: int, message_2: bytes, attempt_2: int) -> None:
    """An id belongs to one message and attempt; on the wire 36 characters that all may carry."""
    identity = Identity(KEYS, "c", 1)
    one, two = identity.message_id(message, attempt), identity.message_id(message_2, attempt_2)
    assert (one == two) == ((message, attempt) == (message_2, attempt_2))
    text = message_id_text(one)
    assert len(text) == 36
    assert text.startswith("zs1-")
    assert set(text.removeprefix("zs1-")) <= BASE32
    assert message_id_bytes(text) == one


def test_message_ids_depend_on_nothing_else() -> None:
    """The same message and attempt have the same id whatever the campaign object they come from."""
    message = b"m" * 16
    assert Identity(KEYS, "a", 1).message_id(message, 1) == Identity(KEYS, "b", 2).message_id(message, 1)


@given(st.text(max_size=60) | ids.map(message_id_text).map(str.lower) | ids.map(message_id_text))
def test_only_our_spelling_is_ours(text: str) -> None:
    """A text is one of our ids only if it is, to the letter, how we would write one."""
    found = message_id_bytes(text)
    assert found is None or (len(found) == MESSAGE_ID_BYTES and message_id_text(found) == text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "zs1-",
        "zs1-" + "A" * 31,
        "zs1-" + "A" * 33,
        "zs1-" + "A" * 26 + "======",  # base32 of fewer bytes, padded to the same length
        "zs1-" + "a" * 32,
        "zs1-" + "1" * 32,
        "zs1-" + "Ａ" * 32,
        "zs1-" + "A" * 31 + "\n",
        "ZS1-" + "A" * 32,
        "zs1b-" + "A" * 32,
        "A" * 32,
        "zs1-zs1-" + "A" * 28,
    ],
)
def test_what_is_not_one_of_our_ids(text: str) -> None:
    """Ids of others, cut ids and look-alikes are nobody's message here."""
    assert message_id_bytes(text) is None


@given(st.lists(ids, max_size=5), st.lists(ids, max_size=5))
def test_bulk_ids(one: list[bytes], two: list[bytes]) -> None:
    """The same messages in the same order, and only they, give the same bulk id; at most 100 characters."""
    assert (bulk_id(one) == bulk_id(two)) == (one == two)
    assert len(bulk_id(one)) == 37
    assert set(bulk_id(one).removeprefix("zs1b-")) <= BASE32


@given(
    st.dictionaries(texts, texts, max_size=3),
    st.none() | texts,
    st.dictionaries(texts, texts, max_size=3),
    st.none() | texts,
)
def test_fingerprints(
    values: dict[str, str], failover: str | None, values_2: dict[str, str], failover_2: str | None
) -> None:
    """A fingerprint stands for the whole content and nothing else; the order of the values is none of it."""
    identity = Identity(KEYS, "c", 1)
    one = identity.fingerprint(1, values, failover)
    assert one == identity.fingerprint(1, dict(reversed(values.items())), failover)
    assert one == Identity(KEYS, "other", 9).fingerprint(1, values, failover)
    assert one != identity.fingerprint(2, values, failover)
    same = (values, failover) == (values_2, failover_2)
    assert (one == identity.fingerprint(1, values_2, failover_2)) == same


@given(secrets, digests, st.integers(1, 9), st.integers(0, MESSAGE_ID_BYTES - 1))
def test_made_here(secret: bytes, message: bytes, attempt: int, place: int) -> None:
    """An id is known to be of this key's making, in the ledger or not; with one byte changed it is not."""
    keys = Keys(secret)
    message_id = Identity(keys, "c", 1).message_id(message, attempt)
    assert Maker(keys).made(message_id)
    changed = bytearray(message_id)
    changed[place] ^= 1
    assert not Maker(keys).made(bytes(changed))
    assert not Maker(Keys(b"another key of 32 bytes, made up")).made(message_id)


@given(ids, ids, texts)
def test_proofs(message_id: bytes, other: bytes, said: str) -> None:
    """What goes out with a message proves its reports, and no other message's; it fits `callbackData`."""
    maker = Maker(KEYS)
    proof = maker.proof(message_id)
    assert len(proof) == 22
    assert maker.proves(message_id, proof)
    assert maker.proves(other, proof) == (message_id == other)
    assert not maker.proves(message_id, said)
    assert not Maker(Keys(b"another key of 32 bytes, made up")).proves(message_id, proof)


SCRIPT = """
from zalosync.compose.message import Identity, Keys, bulk_id, message_id_text, webhook_token
keys = Keys(bytes(range(32)))
identity = Identity(keys, "tết", 3)
message = identity.message("84901234567")
ids = [identity.message_id(message, attempt) for attempt in (1, 2)]
print(message.hex(), identity.recipient("84901234567").hex(), *map(message_id_text, ids), bulk_id(ids))
print(identity.fingerprint(7, {"b": "ấ", "a": ""}, None).hex(), keys.fingerprint, webhook_token(keys, "p"))
"""


def test_the_same_in_any_process() -> None:
    """Processes with other hash seeds and locales make the same identities: nothing comes from chance."""
    said = set()
    for seed, locale in (("0", "C"), ("1", "C.UTF-8"), ("2", "vi_VN")):
        more = {"PYTHONHASHSEED": seed, "LC_ALL": locale, "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment(more), capture_output=True, check=True, timeout=60
        )
        said.add(done.stdout)
    assert len(said) == 1


def test_the_same_for_ever() -> None:
    """Known answers: a change here gives all messages of all ledgers other ids, and sends them again."""
    identity = Identity(KEYS, "tết", 3)
    message = identity.message("84901234567")
    assert message.hex() == KNOWN["message"]
    assert identity.recipient("84901234567").hex() == KNOWN["recipient"]
    assert message_id_text(identity.message_id(message, 1)) == KNOWN["message_id"]
    assert message_id_text(identity.message_id(message, 2)) == KNOWN["second"]
    assert identity.fingerprint(7, {"b": "ấ", "a": ""}, None).hex() == KNOWN["fingerprint"]
    assert bulk_id([identity.message_id(message, 1)]) == KNOWN["bulk"]
    assert KEYS.fingerprint == KNOWN["key"]
    assert webhook_token(KEYS, "production") == KNOWN["webhook"]


KNOWN = {
    "message": "04f77765c3dd6ab48dfd34233691dbbb",
    "recipient": "ea8fea2a5981ac30c29c4b4d3986fd2f",
    "message_id": "zs1-KCWTMTTL5VV2R2PMXQ2VVD7ZOWDQIO6T",
    "second": "zs1-XZYI5MWDFBLMZBHKV44GU4QMAUJKKODS",
    "fingerprint": "b17432002d1e2bf0ddb33f05b8aab938",
    "bulk": "zs1b-ET4RMQVOPS4FUQMVPWFCUTFKDX2ZFZTO",
    "key": "b8dd89bdae51730787f89c632328e088",
    "webhook": "ssjuct3css2w7rxngqoccrcwvosnxpjl",
}
