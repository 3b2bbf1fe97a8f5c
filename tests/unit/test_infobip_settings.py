"""Where the API key may go, and how it is carried."""

import pytest

from zalosync.errors import UsageError
from zalosync.infobip.settings import Settings, authorization_header, check_base_url
from zalosync.spec.secret import Secret

HEADER = authorization_header(Secret("k"))


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://abc123.api.infobip.com", "https://abc123.api.infobip.com"),
        ("https://ABC123.API.infobip.com/", "https://abc123.api.infobip.com"),
        ("https://api.infobip.com:443", "https://api.infobip.com:443"),
        ("http://127.0.0.1:8025", "http://127.0.0.1:8025"),
        ("https://127.0.0.1:8443/", "https://127.0.0.1:8443"),
        ("http://[::1]:8025", "http://[::1]:8025"),
        ("https://gateway.example", "https://gateway.example"),
    ],
)
def test_an_accepted_base_url_is_cleaned(url: str, clean: str) -> None:
    """The provider's hosts, this machine, and hosts that the job itself names."""
    assert check_base_url(url, hosts=("gateway.example",)) == clean
    assert Settings(url, HEADER, hosts=("gateway.example",)).base_url == clean


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sandbox",
        "abc123.api.infobip.com",
        "http://abc123.api.infobip.com",
        "https://evil.example",
        "https://api.infobip.com.evil.example",
        "https://evilapi.infobip.com",
        "https://api.infobip.com@evil.example",
        "https://user:password@api.infobip.com",
        "https://evil.example#api.infobip.com",
        "https://evil.example?api.infobip.com",
        "https://evil.example\\.api.infobip.com",
        "https://api.infobip.com/zalo",
        "https://api.infobip.com:8443",
        "https://api.infobip.com:x",
        "https://203.0.113.7",
        "http://127.0.0.1.evil.example",
        "http://0.0.0.0:80",
        "https://api.infobip.com\r\nX: y",
        "https://api.infobíp.com",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
    ],
)
def test_the_key_goes_nowhere_else(url: str) -> None:
    """Each refusal is an error of the set-up with a way out."""
    with pytest.raises(UsageError, match=r"the base URL is not accepted: .*; correct `baseUrl`"):
        Settings(url, HEADER)


@pytest.mark.parametrize(
    "path", ["", "/", "zalo/1/reports", "/a?b", "/a#b", "//evil.example", "@evil.example/", "/a/../b"]
)
def test_a_reports_path_cannot_lead_elsewhere(path: str) -> None:
    """It is joined to the base URL, so it must be a path and nothing else."""
    with pytest.raises(UsageError, match="reportsPath is refused"):
        Settings("https://api.infobip.com", HEADER, reports_path=path)


@pytest.mark.parametrize(
    ("key", "header"),
    [
        ("k-1", "App k-1"),
        ("App k-1", "App k-1"),
        ("Basic dTpw", "Basic dTpw"),
        ("Bearer t", "Bearer t"),
        ("IBSSO t", "IBSSO t"),
    ],
)
def test_a_bare_key_is_an_app_key(key: str, header: str) -> None:
    """The other schemes are written out."""
    assert authorization_header(Secret(key)).reveal() == header


@pytest.mark.parametrize(
    "key", ["", " ", "canary\n", "canary\r\nX: y", " canary", "canary ", "canaré", "canary\x00", "a  b"]
)
def test_a_key_that_no_header_can_carry_is_refused_unquoted(key: str) -> None:
    """A line end would be a header of its own; the message does not show the key."""
    with pytest.raises(UsageError, match="no header can carry") as caught:
        authorization_header(Secret(key))
    assert "canar" not in str(caught.value)


def test_settings_do_not_show_the_key() -> None:
    """Neither printed, nor formatted, nor as fields."""
    settings = Settings("https://api.infobip.com", authorization_header(Secret("canary")))
    assert "canary" not in f"{settings!r}{settings}{settings.authorization}"
