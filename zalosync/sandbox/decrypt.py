"""RSA-OAEP with SHA-256, and the question nobody has answered: which hash MGF1 uses. Both are tried.

Pure; a private-key operation of 4096 bits takes milliseconds and lets other threads run.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Mgf1 = Literal["sha1", "sha256"]


@dataclass(frozen=True, slots=True)
class Check:
    """One sampled message: its values as received, and the key they should fit."""

    message: int
    sender: str
    values: dict[str, Any]
    key: rsa.RSAPrivateKey | None
    accepts: Literal["any", "sha1", "sha256"]


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of it: how many values, how many could be read, by which MGF1 hash, and the plain values."""

    message: int
    sender: str
    values: int
    read: int
    mgf1: str  # sha1, sha256, mixed, or empty when nothing could be read
    plain: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether every value could be read."""
        return self.read == self.values


def run_all(checks: list[Check]) -> list[Checked]:
    """Tries every value of several messages."""
    return [run(check) for check in checks]


def run(check: Check) -> Checked:
    """Tries every value of a message."""
    plain: dict[str, Any] = {}
    fitted: set[str] = set()
    for name, value in check.values.items():
        opened = _open(check.key, value, check.accepts) if check.key is not None else None
        if opened is not None:
            plain[name], hash_name = opened
            fitted.add(hash_name)
    mgf1 = "mixed" if len(fitted) > 1 else "".join(fitted)
    return Checked(check.message, check.sender, len(check.values), len(plain), mgf1, plain)


def _open(key: rsa.RSAPrivateKey, value: Any, accepts: str) -> tuple[str, Mgf1] | None:
    sealed = sealed_bytes(value)
    if sealed is None:
        return None
    for name in ("sha256", "sha1"):
        if accepts not in ("any", name):
            continue
        mask = padding.MGF1(hashes.SHA256() if name == "sha256" else hashes.SHA1())  # noqa: S303 - Java's default
        try:
            return key.decrypt(
                sealed, padding.OAEP(mgf=mask, algorithm=hashes.SHA256(), label=None)
            ).decode(), name
        except ValueError:  # does not fit, or is no UTF-8: both mean that it cannot be read
            continue
    return None


def sealed_bytes(value: Any) -> bytes | None:
    """The ciphertext in a Base64 value, or None if it is none."""
    if not isinstance(value, str):
        return None
    try:
        return b64decode(value, validate=True)
    except ValueError:
        return None


def new_key(bits: int) -> bytes:
    """A fresh private key as PEM; 4096 bits take a second or two."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_key(pem: bytes) -> rsa.RSAPrivateKey:
    """A private key from PEM."""
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the sandbox keeps RSA keys only")
    return key


def public_text(key: rsa.RSAPrivateKey) -> str:
    """The public key as the API hands it out: Base64 of the DER SubjectPublicKeyInfo, without armour."""
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return b64encode(der).decode()
