"""Where the provider is, how we show who we are, and how long we wait: checked before a byte is sent."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from zalosync.errors import UsageError

PROVIDER_HOST = "api.infobip.com"  # and its subdomains, one per account
_HEADER = re.compile(r"[!-~]+(?: [!-~]+)*")
_PATH = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Secret:
    """A value that never shows itself: not in `repr`, `str`, formats, logs or pickles."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> str:
        raise TypeError("a secret stays in its process")

    def reveal(self) -> str:
        """The value, for the one place that needs it."""
        return self._value


@dataclass(frozen=True, slots=True)
class Settings:
    """How to reach the provider.

    Attributes:
        base_url: as `check_base_url` gives it.
        authorization: the whole header: `App …`, `Basic …`, `IBSSO …` or `Bearer …`.
        reports_path: of the call that hands out each report once; None where the account has none.
        connect_timeout: seconds for one address, and for TLS.
        total_timeout: seconds from the first look-up to the last byte of the answer, whatever comes.
        ca_file: PEM file of authorities to trust in place of the bundled ones.
        hosts: further hosts that the key may go to; see `check_base_url`.

    Raises:
        UsageError: the base URL is none that the key may be sent to, or the path is none.
    """

    base_url: str
    authorization: Secret
    reports_path: str | None = None
    connect_timeout: float = 5.0
    total_timeout: float = 30.0
    user_agent: str = "zalosync"
    ca_file: str | None = None
    hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", check_base_url(self.base_url, hosts=self.hosts))
        if self.reports_path is not None and not _PATH.fullmatch(self.reports_path):
            raise UsageError(
                "reportsPath is refused: it is not a plain path",
                fix="write it as /zalo/1/reports, or null where the account has none",
                code="ZS642",
            )


def authorization_header(value: str) -> Secret:
    """An `Authorization` header from its text.

    Raises:
        UsageError: it cannot be a header; the text is not quoted.
    """
    if not _HEADER.fullmatch(value):
        raise UsageError(
            "the API key has characters that no header can carry (line ends, outer blanks, or not ASCII)",
            fix="set it again, without quotes and line ends",
            code="ZS641",
        )
    return Secret(value)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its address; a name is looked up by others and proves nothing."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_base_url(url: str, *, hosts: Collection[str] = ()) -> str:
    """The base URL without a slash at its end, if it is one that the API key may be sent to.

    It is `https://` with the provider's host, or with one of `hosts` (which come from the environment of
    the job, never from a file of the project), or any address of this machine, then also `http://`.

    Raises:
        UsageError: it is none of these.
    """
    parts = _split(url)
    host = (parts.hostname or "").lower()
    loopback = is_loopback(host)
    if parts.scheme not in ("https", "http"):
        raise _refused("its scheme is not https")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise _refused("it holds a user or a password")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise _refused("it holds a query or a fragment")
    if parts.path not in ("", "/"):
        raise _refused("it holds a path")
    if loopback:
        return f"{parts.scheme}://{parts.netloc.lower()}"
    if parts.scheme == "http":
        raise _refused("http is for addresses of this machine, such as http://127.0.0.1:8025")
    if not all(_LABEL.fullmatch(label) for label in host.split(".")) or host.split(".")[-1].isdigit():
        raise _refused("its host is not a name")
    if host in hosts:
        return f"https://{parts.netloc.lower()}"
    if host != PROVIDER_HOST and not host.endswith(f".{PROVIDER_HOST}"):
        raise _refused(f"its host is not {PROVIDER_HOST} or one under it")
    if parts.port not in (None, 443):
        raise _refused("its port is not 443")
    return f"https://{host}"


def _split(url: str) -> SplitResult:
    """Only printable ASCII, no backslash: readers of URLs disagree about the rest."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise _refused("it holds characters that no base URL has")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise _refused("it is not a URL") from error
    return parts


def _refused(why: str) -> UsageError:
    return UsageError(
        f"the base URL is refused: {why}",
        fix="write the account's base URL, such as https://abc123.api.infobip.com",
        code="ZS640",
    )
