"""Whether a push is the provider's, by what it shows. Pure; every comparison takes the same time.

A path's token comes first: without it nobody is answered. A subscription shows credentials of its own; a
push to a message's own URL has none, and then each report must show its message's proof.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

_HASHES: Mapping[str, Callable[..., "hashlib._Hash"]] = {
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}


class Trust(Enum):
    """What a push's own credentials say."""

    SHOWN = auto()  # they are the subscription's
    NONE = auto()  # there are none: proofs have to do
    WRONG = auto()  # there are some, and they are not the subscription's


@dataclass(frozen=True, slots=True)
class Guard:
    """What a push has to show.

    Attributes:
        token: the unguessable part of the path.
        security: of the subscription: `none`, `basic` or `hmac`.
        user: with `basic`.
        credential: the password, or the HMAC's key.
        header: with the HMAC, in lower case.
        algorithm: of the HMAC.
        encoding: of the HMAC: `hex` or `base64`.
        prefix: that stands before it.
    """

    token: str = field(repr=False)
    security: str = "none"
    user: str = ""
    credential: str = field(default="", repr=False)
    header: str = "x-hub-signature-256"
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = "sha256="

    def opens(self, token: str) -> bool:
        """Whether a path's token is ours."""
        return hmac.compare_digest(token.encode(), self.token.encode())

    def trust(self, headers: Mapping[str, str], body: bytes) -> Trust:
        """What the credentials of a push say.

        Args:
            headers: by names in lower case.
            body: raw, as it came.
        """
        if self.security == "none":
            return Trust.NONE
        name = "authorization" if self.security == "basic" else self.header
        shown = headers.get(name)
        if shown is None:
            return Trust.NONE
        fits = self._basic(shown) if self.security == "basic" else self._hmac(shown, body)
        return Trust.SHOWN if fits else Trust.WRONG

    def _basic(self, shown: str) -> bool:
        scheme, _, written = shown.partition(" ")
        expected = base64.b64encode(f"{self.user}:{self.credential}".encode())
        return scheme.lower() == "basic" and hmac.compare_digest(written.strip().encode(), expected)

    def _hmac(self, shown: str, body: bytes) -> bool:
        expected = hmac.digest(self.credential.encode(), body, _HASHES[self.algorithm])
        written = shown.strip()
        if not written.startswith(self.prefix):
            return False
        return hmac.compare_digest(_decoded(written.removeprefix(self.prefix), self.encoding), expected)


def _decoded(written: str, encoding: str) -> bytes:
    """The bytes of a digest; none where it is not written so."""
    try:
        if encoding == "hex":
            return bytes.fromhex(written)
        return base64.b64decode(written, validate=True)
    except (ValueError, binascii.Error):
        return b""
