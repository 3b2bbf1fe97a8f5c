"""RSA-OAEP: known answers with a private key of our own, and keys that are refused."""

import base64
import hashlib
import pickle
from typing import Literal

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zalosync.errors import ProviderRefused
from zalosync.infobip.keys import Encryptor, Mgf1, PublicKey

HASHES = {"sha1": SHA1, "sha256": SHA256}


def _der(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    """A key pair of ours, 2048 bits."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _decrypt(key: rsa.RSAPrivateKey, text: str, mgf1: str) -> str:
    scheme = padding.OAEP(mgf=padding.MGF1(HASHES[mgf1]()), algorithm=SHA256(), label=None)
    return key.decrypt(base64.b64decode(text, validate=True), scheme).decode()


@pytest.mark.parametrize("mgf1", ["sha1", "sha256"])
@pytest.mark.parametrize("value", ["", "Lan", "Nguyễn Thị Ánh Tuyết", "x" * 190])
def test_what_is_encrypted_decrypts(private_key: rsa.RSAPrivateKey, mgf1: Mgf1, value: str) -> None:
    """Each setting fits the software that means it, for every length the key takes."""
    encryptor = Encryptor(_der(private_key.public_key()), mgf1)
    assert _decrypt(private_key, encryptor.encrypt(value), mgf1) == value


def test_the_two_settings_are_two_ciphers(private_key: rsa.RSAPrivateKey) -> None:
    """What is encrypted for one MGF1 does not decrypt with the other."""
    text = Encryptor(_der(private_key.public_key()), "sha1").encrypt("Lan")
    with pytest.raises(ValueError, match=r"."):
        _decrypt(private_key, text, "sha256")


def test_equal_values_do_not_look_equal(private_key: rsa.RSAPrivateKey) -> None:
    """OAEP is randomised: who sees two messages cannot tell that they say the same."""
    encryptor = Encryptor(_der(private_key.public_key()), "sha256")
    assert encryptor.encrypt("Lan") != encryptor.encrypt("Lan")


def test_a_value_over_the_budget_is_refused_without_being_shown(private_key: rsa.RSAPrivateKey) -> None:
    """The error says how long it was, not what it was."""
    encryptor = Encryptor(_der(private_key.public_key()), "sha256")
    with pytest.raises(ValueError, match="a value of 192 bytes, the key takes 190") as caught:
        encryptor.encrypt("Ấ" * 64)
    assert "Ấ" not in str(caught.value)


def test_an_encryptor_goes_to_another_process(private_key: rsa.RSAPrivateKey) -> None:
    """Also after it was used: the key objects stay, the key's bytes go."""
    encryptor = Encryptor(_der(private_key.public_key()), "sha1")
    encryptor.encrypt("warm")
    copy = pickle.loads(pickle.dumps(encryptor))  # noqa: S301
    assert _decrypt(private_key, copy.encrypt("Lan"), "sha1") == "Lan"
    assert copy.mgf1 == "sha1"


@pytest.mark.parametrize(("bits", "budget"), [(2048, 190), (3072, 318), (4096, 446)])
def test_the_budget_follows_the_size_of_the_key(bits: Literal[2048, 3072, 4096], budget: int) -> None:
    """Key bytes minus 66, and the longest value of that length does go in."""
    public = rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key()
    key = PublicKey.read(base64.b64encode(_der(public)).decode())
    assert (key.bits, key.budget) == (bits, budget)
    assert len(base64.b64decode(Encryptor(key.der, "sha256").encrypt("x" * budget))) == bits // 8
    with pytest.raises(ValueError, match=f"the key takes {budget}"):
        Encryptor(key.der, "sha256").encrypt("x" * (budget + 1))


def test_base64_and_pem_are_the_same_key(private_key: rsa.RSAPrivateKey) -> None:
    """Both spellings give the same fingerprint: SHA-256 of the SubjectPublicKeyInfo."""
    public = private_key.public_key()
    der = _der(public)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    folded = base64.encodebytes(der).decode()
    keys = {PublicKey.read(text) for text in (base64.b64encode(der).decode(), folded, pem, f"\n{pem}\n")}
    assert len(keys) == 1
    assert keys.pop().fingerprint == f"sha256:{hashlib.sha256(der).hexdigest()}"


def test_a_weak_key_is_refused() -> None:
    """1024 bits protect nothing."""
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()  # noqa: S505
    with pytest.raises(ProviderRefused, match="1024 bits"):
        PublicKey.read(base64.b64encode(_der(weak)).decode())


@pytest.mark.parametrize(
    "text", ["", "!!!", "AAAA", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "é"]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    """One sentence with a way out, whatever the text is."""
    with pytest.raises(ProviderRefused, match="cannot be read; ask the provider"):
        PublicKey.read(text)


def test_another_kind_of_key_is_refused() -> None:
    """An elliptic-curve key cannot do RSA."""
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(ProviderRefused, match="not an RSA key"):
        PublicKey.read(base64.b64encode(_der(curve)).decode())
