"""Where an environment's API is: which addresses are accepted, and why others are not.

A base URL decides who gets the API key and the recipients. It comes from the project file only, which a
pull request can change; so the hosts are a fixed list, widened by nobody but the environment of the
process that sends.
"""

from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from zalosync.spec.values import is_loopback

SANDBOX = "sandbox"
API_DOMAIN = "api.infobip.com"


def base_url_fault(url: str, *, extra_hosts: Collection[str] = ()) -> tuple[str, str] | None:
    """What is wrong with a base URL as (code, reason), or None.

    Args:
        url: `sandbox`, or an address.
        extra_hosts: hosts that the caller's environment allows besides Infobip's own.
    """
    if url == SANDBOX:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "ZS145", "it is not a URL"
    shape = _shape_fault(url, parts)
    if shape is not None:
        return "ZS145", shape
    host = (parts.hostname or "").lower()
    if is_loopback(host):
        return None
    if parts.scheme != "https":
        return "ZS145", "http:// is accepted for loopback addresses only; write https://"
    if port not in {None, 443}:
        return "ZS145", "a port is accepted for loopback addresses only"
    if host == API_DOMAIN or host.endswith(f".{API_DOMAIN}") or host in extra_hosts:
        return None
    return "ZS146", f"the host is not one of Infobip's (*.{API_DOMAIN})"


def _shape_fault(url: str, parts: SplitResult) -> str | None:
    if not (url.isascii() and url.isprintable()) or " " in url or "\\" in url:
        return "it holds a character that no URL has"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "it is `sandbox`, or begins with https://"
    if "@" in parts.netloc:
        return "it must not name a user or a password"
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "?" in url or "#" in url:
        return "it ends after the host: no path, query or fragment"
    return None
