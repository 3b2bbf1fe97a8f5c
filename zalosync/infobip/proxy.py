"""A proxy that somebody names for us; what variables of other programs name is not used."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from zalosync.errors import UsageError
from zalosync.spec.secret import Secret

# The way to the provider is the machine's: no file of a project can lead the key elsewhere.
PROXY_VARIABLE, CA_FILE_VARIABLE = "ZALOSYNC_PROXY", "ZALOSYNC_CA_FILE"
_PORT = 3128  # where a URL names none, as most proxies listen


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy that makes tunnels (CONNECT); TLS is between us and the provider, inside of them.

    Attributes:
        host: name or address.
        port: of TCP.
        auth: user and password, if it asks for them.
    """

    host: str
    port: int
    auth: tuple[Secret, Secret] | None = None

    @property
    def place(self) -> str:
        """For people and records, without secrets."""
        return f"{self.host}:{self.port}"

    @classmethod
    def read(cls, url: str) -> "Proxy":
        """From `http://[USER:PASSWORD@]HOST[:PORT]`, reserved characters percent-encoded.

        Raises:
            UsageError: it is none; it is not quoted, since a password may stand in it.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or _PORT
        except ValueError:
            raise _refused() from None
        beyond = parts.path.strip("/") or parts.query or parts.fragment
        if parts.scheme != "http" or not parts.hostname or beyond or not url.isascii():
            raise _refused()
        auth = None
        if parts.username is not None:
            auth = (Secret(unquote(parts.username)), Secret(unquote(parts.password or "")))
        return cls(parts.hostname, port, auth)


@dataclass(frozen=True, slots=True)
class Way:
    """How the provider is reached from this machine, where somebody set that.

    Attributes:
        proxy: through which.
        ca_file: PEM file of the authorities that are trusted in place of the bundled ones.
    """

    proxy: Proxy | None = None
    ca_file: str | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Way":
        """As the process's environment variables say; an empty one says nothing.

        Raises:
            UsageError: the proxy is none.
        """
        proxy = environ.get(PROXY_VARIABLE)
        return cls(Proxy.read(proxy) if proxy else None, environ.get(CA_FILE_VARIABLE) or None)

    @property
    def record(self) -> dict[str, str]:
        """For the run's record: only what is not the plain way, and no secrets."""
        proxy = {"proxy": self.proxy.place} if self.proxy else {}
        return proxy | ({"ca_file": self.ca_file} if self.ca_file else {})


def _refused() -> UsageError:
    return UsageError(
        f"{PROXY_VARIABLE} is not the address of an HTTP proxy",
        fix="write http://HOST:PORT, with USER:PASSWORD@ before the host where it asks for them",
        code="ZS814",
    )
