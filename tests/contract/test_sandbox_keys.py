"""Encrypted messages: what is opened, with which MGF1 hash, and what becomes of what cannot be opened."""

from base64 import b64decode, b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
)

from tests.contract.sandbox_caller import SENDER, Caller, message
from zalosync.sandbox import checks, decrypt
from zalosync.sandbox.settings import ListedTemplate, Property, Settings, Shares

KEY_PATH = f"/zalo/1/sender/{SENDER}/public-key"
CALM = Settings(
    shares=Shares(no_account=0, expired=0, refused=0, provider_error=0, no_report=0),
    delay_median_ms=0,
    delay_max_ms=0,
    key_bits=2048,
)


def _key(caller: Caller) -> RSAPublicKey:
    key = load_der_public_key(b64decode(caller.json("POST", KEY_PATH)["publicKey"]))
    assert isinstance(key, RSAPublicKey)
    return key


def _seal(key: RSAPublicKey, plain: str, mgf1: str = "sha256") -> str:
    mask = padding.MGF1(hashes.SHA256() if mgf1 == "sha256" else hashes.SHA1())  # noqa: S303 - Java's default
    sealed = key.encrypt(plain.encode(), padding.OAEP(mgf=mask, algorithm=hashes.SHA256(), label=None))
    return b64encode(sealed).decode()


def _sealed(message_id: str, **values: str) -> dict[str, Any]:
    content = {"type": "TEMPLATE", "templateName": 1, "templateData": values}
    return message(message_id, content=content, options={"encrypted": True})


@pytest.mark.parametrize("mgf1", ["sha1", "sha256"])
def test_values_are_opened_after_the_answer(mgf1: str) -> None:
    """A message waits until its values are opened; the oracle then knows them and the hash that fitted."""
    caller = Caller(CALM)
    key = _key(caller)
    caller.send(_sealed("m1", name=_seal(key, "Nguyễn Thị Ánh", mgf1), code=_seal(key, "DH-1", mgf1)))
    assert caller.totals()["decrypted"]["waiting"] == 1
    assert caller.totals()["pending"] == 1
    caller.open_sealed()
    entry = caller.seen("m1")
    assert entry["values"] == {"name": "Nguyễn Thị Ánh", "code": "DH-1"}
    assert (entry["mgf1"], entry["state"], entry["readable"]) == (mgf1, "delivered", True)
    found = caller.totals()["decrypted"]
    assert (found["checked"], found["ok"], found["failed"], found["mgf1"]) == (2, 2, 0, {mgf1: 1})
    assert caller.connection.execute("SELECT content FROM messages").fetchone() == (None,)


@pytest.mark.parametrize(
    ("accepted", "sent", "state"), [("sha1", "sha256", "undeliverable"), ("sha1", "sha1", "delivered")]
)
def test_one_hash_may_be_demanded(accepted: Any, sent: str, state: str) -> None:
    """With the switch only one MGF1 hash fits; the other ends as undeliverable with 7008."""
    caller = Caller(CALM.model_copy(update={"mgf1": accepted}))
    caller.send(_sealed("m1", name=_seal(_key(caller), "Lan", sent)))
    caller.open_sealed()
    assert caller.seen("m1")["state"] == state


def test_a_wrong_key_surfaces_late() -> None:
    """Values of another key are taken and end as undeliverable; so do those outside the sample."""
    caller = Caller(CALM.model_copy(update={"check_first": 2, "check_share": 0.0}))
    _key(caller)
    foreign = generate_private_key(65537, 2048).public_key()
    assert caller.statuses(*(_sealed(f"m{n}", name=_seal(foreign, "Lan")) for n in range(2))) == [
        ("m0", 7),
        ("m1", 7),
    ]
    caller.open_sealed()
    caller.send(_sealed("m2", name=_seal(foreign, "Lan")))
    assert [caller.seen(f"m{n}")["rows"][0]["error"] for n in range(3)] == [7008] * 3
    assert caller.totals(end=True)["decrypted"]["failed"] == 2
    assert caller.totals(end=True)["undeliverable"] == 3


def test_what_cannot_be_a_ciphertext_is_not_opened() -> None:
    """Outside the sample a value of the wrong length, or one for a sender without a key, is undeliverable."""
    caller = Caller(CALM.model_copy(update={"check_first": 0, "check_share": 0.0}))
    caller.send(_sealed("early", name="x" * 344))
    key = _key(caller)
    caller.send(_sealed("plain", name="Lan"), _sealed("right", name=_seal(key, "Lan")))
    assert [caller.seen(name)["state"] for name in ("early", "plain", "right")] == [
        "undeliverable",
        "undeliverable",
        "delivered",
    ]


def test_the_sample_is_the_first_and_a_seeded_share() -> None:
    """The first messages are all opened, of the rest a share, and the same ones in every run."""
    settings = CALM.model_copy(update={"check_first": 5, "check_share": 0.2})
    opened = []
    for _ in range(2):
        caller = Caller(settings)
        sealed = _seal(_key(caller), "Lan")
        caller.send(*(_sealed(f"m{n}", name=sealed) for n in range(105)))
        opened.append([row[0] for row in caller.connection.execute("SELECT message FROM checks ORDER BY 1")])
    assert opened[0] == opened[1]
    assert opened[0][:5] == [1, 2, 3, 4, 5]
    assert 10 <= len(opened[0]) - 5 <= 32


def test_opened_values_meet_the_templates_contract() -> None:
    """A value that is too long once opened is undeliverable, as it would be in clear."""
    listed = ListedTemplate(id=1, properties=(Property(name="name", max_length=3),))
    caller = Caller(CALM.model_copy(update={"templates": (listed,)}))
    key = _key(caller)
    caller.send(_sealed("short", name=_seal(key, "Lan")), _sealed("long", name=_seal(key, "Loan")))
    caller.send(_sealed("missing", other=_seal(key, "Lan")))
    caller.open_sealed()
    assert [caller.seen(name)["rows"][0]["error"] for name in ("short", "long", "missing")] == [0, 7008, 7008]


def test_scheduled_sealed_messages_leave_at_their_time() -> None:
    """Opening a value early does not send its message early."""
    caller = Caller(CALM)
    body = {"messages": [_sealed("m1", name=_seal(_key(caller), "Lan"))]}
    caller.json(
        "POST",
        "/zalo/2/messages",
        body | {"options": {"schedule": {"sendAt": "2027-01-01T05:00:00.000+0000"}}},
    )
    caller.open_sealed()
    assert caller.totals()["pending"] == 1
    caller.wait(3_600_000)
    assert caller.totals()["delivered"] == 1


def test_key_size_and_early_key_are_switches() -> None:
    """GET before the first POST may make the key; its size is as set."""
    caller = Caller(CALM.model_copy(update={"key_before_create": "create", "key_bits": 1024}))
    sizes: list[int] = []
    ready = caller.model.world.make_key

    def make(bits: int) -> bytes:
        sizes.append(bits)
        return ready(bits)

    caller.model.world.make_key = make
    assert caller.json("GET", KEY_PATH)["publicKey"]
    assert sizes == [1024]


def test_scheduled_messages_outside_the_sample() -> None:
    """A sealed message outside the sample is judged by its length when it leaves."""
    caller = Caller(CALM.model_copy(update={"check_first": 0, "check_share": 0.0}))
    sealed = _seal(_key(caller), "Lan")
    plan = {"options": {"schedule": {"sendAt": "2027-01-01T05:00:00.000+0000"}}}
    entries = [_sealed("right", name=sealed), _sealed("wrong", name="Lan"), _sealed("none")]
    caller.json("POST", "/zalo/2/messages", {"messages": entries} | plan)
    caller.wait(3_600_000)
    assert [caller.seen(name)["state"] for name in ("right", "wrong", "none")] == [
        "delivered",
        "undeliverable",
        "delivered",
    ]


def test_a_check_counts_once() -> None:
    """A result that comes twice is written down once; values that are no Base64 cannot be opened."""
    caller = Caller(CALM)
    _key(caller)
    content = {"type": "TEMPLATE", "templateName": 1, "templateData": {"a": "no base64!", "b": 7}}
    caller.send(message("m1", content=content, options={"encrypted": True}))
    done = decrypt.run_all(checks.waiting(caller.model.world))
    for _ in range(2):
        checks.record(caller.model.world, done, caller.now)
    assert caller.totals()["decrypted"]["failed"] == 2


def test_trouble_with_a_key_is_remembered() -> None:
    """After a restart messages outside the sample still follow the last opened one of their sender."""
    caller = Caller(CALM.model_copy(update={"check_first": 1, "check_share": 0.0}))
    _key(caller)
    foreign = generate_private_key(65537, 2048).public_key()
    caller.send(_sealed("m0", name=_seal(foreign, "Lan")))
    caller.open_sealed()
    caller.model.world.readable.clear()
    caller.send(_sealed("m1", name=_seal(foreign, "Lan")))
    assert caller.seen("m1")["state"] == "undeliverable"


def test_only_rsa_keys_are_kept() -> None:
    """Another kind of key in the store is an error, not a surprise later."""
    pem = ed25519.Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with pytest.raises(TypeError, match="RSA keys only"):
        decrypt.load_key(pem)
