"""Who calls, and what they may: App, Basic, Bearer and IBSSO credentials with scopes."""

from base64 import b64decode
from hmac import compare_digest

from zalosync.sandbox.settings import Credential, Settings


def who(settings: Settings, header: str | None) -> Credential | None:
    """The credential of an Authorization header, or None where it fits none."""
    if not header:
        return None
    scheme, _, secret = header.strip().partition(" ")
    secret = secret.strip()
    if scheme.lower() == "basic":
        try:
            secret = b64decode(secret, validate=True).decode()
        except ValueError:
            return None
    for each in settings.credentials:
        if each.scheme.lower() == scheme.lower() and compare_digest(each.secret.encode(), secret.encode()):
            return each
    return None


def may(credential: Credential, scopes: frozenset[str]) -> bool:
    """Whether one of the scopes is enough; a call without scopes is open to every valid credential."""
    return not scopes or not credential.scopes.isdisjoint(scopes)
