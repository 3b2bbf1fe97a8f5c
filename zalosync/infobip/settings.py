"""Where the provider is, how we show who we are, and how long we wait: checked before a byte is sent."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from zalosync.errors import UsageError
from zalosync.infobip.proxy import Proxy
from zalosync.spec.endpoint import SANDBOX, base_url_fault
from zalosync.spec.secret import Secret

_SCHEMES = ("App ", "Basic ", "IBSSO ", "Bearer ")
_HEADER = re.compile(r"[!-~]+(?: [!-~]+)*")
_PATH = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")


@dataclass(frozen=True, slots=True)
class Settings:
    """How to reach the provider.

    Attributes:
        base_url: of the account, or of anything on this machine that speaks the same API.
        authorization: the whole header, from `authorization_header`.
        reports_path: of the call that hands out each report once; None where the account has none.
        connect_timeout: seconds for one address, and for TLS.
        total_timeout: seconds from the first look-up to the last byte of the answer, whatever comes.
        ca_file: PEM file of authorities to trust in place of the bundled ones.
        proxy: that makes a tunnel to the provider; never used without TLS.
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
    proxy: Proxy | None = None
    hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", check_base_url(self.base_url, hosts=self.hosts))
        if self.reports_path is not None and not _PATH.fullmatch(self.reports_path):
            raise UsageError(
                "reportsPath is refused: it is not a plain path",
                fix="write it as /zalo/1/reports, or null where the account has none",
                code="ZS812",
            )


def authorization_header(key: Secret) -> Secret:
    """The `Authorization` header of an API key, or of a whole `Basic …`, `IBSSO …` or `Bearer …`.

    Raises:
        UsageError: no header can carry it; it is not quoted.
    """
    value = key.reveal()
    header = value if value.startswith(_SCHEMES) else f"App {value}"
    if not _HEADER.fullmatch(header):
        raise UsageError(
            "the API key has characters that no header can carry (line ends, outer blanks, or not ASCII)",
            fix="set it again, without quotes and line ends",
            code="ZS811",
        )
    return Secret(header)


def check_base_url(url: str, *, hosts: Collection[str] = ()) -> str:
    """The base URL without a slash at its end, if it is one that the API key may be sent to.

    The rules are those for project files; they are checked here too, since here is where the key goes.

    Args:
        url: `https://` with the provider's host or one of `hosts`, or any address of this machine.
        hosts: from the environment of the job, never from a file of the project.

    Raises:
        UsageError: it is none of these.
    """
    fault = ("ZS145", "it is no address") if url == SANDBOX else base_url_fault(url, extra_hosts=hosts)
    if fault is not None:
        code, reason = fault
        raise UsageError(f"the base URL is not accepted: {reason}", fix="correct `baseUrl`", code=code)
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}"
