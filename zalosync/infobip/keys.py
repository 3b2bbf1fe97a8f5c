"""RSA-OAEP of template values: the sender's public key, and the encryption of one value at a time.

The cipher is named `RSA/ECB/OAEPWITHSHA-256ANDMGF1PADDING` by the provider, and nobody says which hash its
MGF1 means: Java's default provider reads that name as MGF1 with SHA-1, most other software as SHA-256. A
wrong guess is not refused; it surfaces later as undeliverable. So it is a setting, written out.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from zalosync.errors import ProviderRefused

Mgf1 = Literal["sha1", "sha256"]
LEAST_BITS = 2048
MOST_BITS = 16384  # what OpenSSL will work with; a larger one is no key but a way to stall us
_OVERHEAD = 66  # bytes: two SHA-256 digests and two bytes, what OAEP takes from each block


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A sender's public key, checked.

    Attributes:
        der: SubjectPublicKeyInfo, as OpenSSL writes it.
        bits: of the modulus, 2048 or more.
    """

    der: bytes = field(repr=False)
    bits: int

    @property
    def budget(self) -> int:
        """The longest value it can encrypt, in UTF-8 bytes: 446 for 4096 bits, 190 for 2048."""
        return (self.bits + 7) // 8 - _OVERHEAD

    @property
    def fingerprint(self) -> str:
        """`sha256:` and the SHA-256 of the SubjectPublicKeyInfo, in hexadecimal: what projects pin."""
        return f"sha256:{hashlib.sha256(self.der).hexdigest()}"

    @classmethod
    def read(cls, text: str) -> "PublicKey":
        """A key from Base64 of DER, as the API gives it, or from PEM.

        Raises:
            ProviderRefused: it is no RSA public key, or too weak.
        """
        try:
            key = _load(text)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ProviderRefused(
                "the provider's public key cannot be read",
                fix="ask the provider for a new RSA key of this sender",
                code="ZS801",
            ) from error
        if not isinstance(key, rsa.RSAPublicKey):
            raise ProviderRefused(
                "the provider's public key is not an RSA key",
                fix="ask the provider for an RSA key of this sender",
                code="ZS801",
            )
        if not LEAST_BITS <= key.key_size <= MOST_BITS:
            raise ProviderRefused(
                f"the provider's RSA key has {key.key_size} bits, allowed are {LEAST_BITS} to {MOST_BITS}",
                fix="ask the provider for a stronger key of this sender",
                code="ZS802",
            )
        return cls(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), key.key_size)


def _load(text: str) -> object:
    text = text.strip()
    if text.startswith("-----BEGIN"):
        return load_pem_public_key(text.encode())
    try:
        der = base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError("neither Base64 nor PEM") from error
    return load_der_public_key(der)


class Encryptor:
    """Encrypts values with one key; cheap to send to another process, where it builds its key once.

    Args:
        public_key_der: of a `PublicKey`.
        mgf1: the hash of the mask generation function.
    """

    __slots__ = ("_key", "_padding", "mgf1", "public_key_der")

    def __init__(self, public_key_der: bytes, mgf1: Mgf1) -> None:
        self.public_key_der = public_key_der
        self.mgf1 = mgf1
        self._key: rsa.RSAPublicKey | None = None
        self._padding: padding.OAEP | None = None

    def __reduce__(self) -> tuple[type["Encryptor"], tuple[bytes, Mgf1]]:
        return type(self), (self.public_key_der, self.mgf1)

    def __repr__(self) -> str:
        return f"Encryptor(mgf1={self.mgf1!r})"

    def encrypt(self, value: str) -> str:
        """Base64 of RSA-OAEP with SHA-256 of the value's UTF-8 bytes; never the same twice.

        Raises:
            ValueError: the value is longer than the key's budget. It says how long, not what.
        """
        if self._key is None or self._padding is None:
            self._build()
        assert self._key is not None
        assert self._padding is not None
        plain = value.encode()
        try:
            return base64.b64encode(self._key.encrypt(plain, self._padding)).decode()
        except ValueError as error:
            budget = self._key.key_size // 8 - _OVERHEAD
            raise ValueError(f"a value of {len(plain)} bytes, the key takes {budget}") from error

    def _build(self) -> None:
        key = load_der_public_key(self.public_key_der)
        assert isinstance(key, rsa.RSAPublicKey)
        # SHA-1 as a mask generator is not broken, and what the provider may mean.
        mask = SHA1() if self.mgf1 == "sha1" else SHA256()  # noqa: S303
        self._key, self._padding = key, padding.OAEP(mgf=padding.MGF1(mask), algorithm=SHA256(), label=None)
