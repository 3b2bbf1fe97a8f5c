"""Message ids and proofs that only this project's key makes."""

from zalosync.compose.message import (
    MESSAGE_ID_BYTES,
    PROOF_CHARACTERS,
    Identity,
    Keys,
    Maker,
    message_id_text,
)

OURS = Keys(b"k" * 32)
OTHERS = Keys(b"o" * 32)


def message_id(keys: Keys, attempt: int = 1) -> bytes:
    """Of one and the same message."""
    identity = Identity(keys, "order-shipped", 1)
    return identity.message_id(identity.message("DH0001"), attempt)


def test_an_id_is_known_by_its_maker() -> None:
    """An id of this key is known again without the ledger; another project's, or a made-up one, is not."""
    maker = Maker(OURS)
    assert len(message_id(OURS)) == MESSAGE_ID_BYTES
    assert maker.made(message_id(OURS))
    assert maker.made(message_id(OURS, attempt=2))
    assert not maker.made(message_id(OTHERS))
    assert not maker.made(bytes(MESSAGE_ID_BYTES))
    assert not maker.made(b"")


def test_one_bit_makes_it_a_stranger() -> None:
    """Any changed bit of an id is noticed."""
    right = message_id(OURS)
    for place in range(8 * len(right)):
        wrong = bytearray(right)
        wrong[place // 8] ^= 1 << place % 8
        assert not Maker(OURS).made(bytes(wrong))


def test_a_proof_is_of_one_id_and_one_key() -> None:
    """What goes out with a message proves reports about it, and about nothing else."""
    maker, one, two = Maker(OURS), message_id(OURS), message_id(OURS, attempt=2)
    proof = maker.proof(one)
    assert len(proof) == PROOF_CHARACTERS
    assert proof.isascii()
    assert maker.proves(one, proof)
    assert not maker.proves(two, proof)
    assert not Maker(OTHERS).proves(one, proof)
    assert proof not in message_id_text(one)


def test_anything_may_come_back_as_proof() -> None:
    """Odd callback data is no proof, and no error."""
    maker, one = Maker(OURS), message_id(OURS)
    for odd in ("", "x", maker.proof(one)[:-1], maker.proof(one) + "A", "\udc00", "é" * 22, "\x00"):
        assert not maker.proves(one, odd)
