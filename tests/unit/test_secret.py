"""Secrets: found where the project file says, refused where they are not safe, and never shown."""

import logging
import os
import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from zalosync.errors import ExitCode, UsageError
from zalosync.spec.endpoint import base_url_fault
from zalosync.spec.project import (
    Environment,
    is_rehearsal,
    resolve_api_key,
    resolve_base_url,
    resolve_ledger_url,
)
from zalosync.spec.secret import Secret, SecretRef, resolve

VALUE = "0123456789abcdef-canary"
ENV = SecretRef(env="INFOBIP_API_KEY")


def refusal(ref: SecretRef, environ: dict[str, str], root: Path) -> UsageError:
    """The error with which a secret is refused; it never holds the value."""
    with pytest.raises(UsageError) as caught:
        resolve(ref, environ, root)
    error = caught.value
    assert VALUE not in str(error)
    assert error.exit_code == ExitCode.USAGE
    assert error.code in {"ZS150", "ZS151"}
    return error


def test_a_secret_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    """Neither by printing, formatting or logging, nor in a container, and it is not pickled."""
    secret = Secret(VALUE)
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>60}",
        f"{secret:>60}",
        str([secret]),
        f"{ {1: secret} }",
    ]
    logging.getLogger("test").warning("key %s", secret)
    assert all(VALUE not in text for text in [*shown, caplog.text, str(vars(Secret))])
    assert not hasattr(secret, "__dict__")
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        hash(secret)
    assert secret.reveal() == VALUE


def test_secrets_compare_by_value() -> None:
    """In constant time; with nothing else."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_a_variable_and_its_file_twin(tmp_path: Path) -> None:
    """`X`, or the file that `X_FILE` names; a line end at its end is not part of it."""
    mounted = tmp_path / "mounted"
    mounted.write_text(VALUE + "\n")
    mounted.chmod(0o444)
    assert resolve(ENV, {"INFOBIP_API_KEY": VALUE}, tmp_path) == Secret(VALUE)
    assert resolve(ENV, {"INFOBIP_API_KEY_FILE": str(mounted)}, tmp_path) == Secret(VALUE)


def test_a_variable_that_cannot_be_used(tmp_path: Path) -> None:
    """Unset, set twice, empty, of blanks, with blanks around it or with a line end in it."""
    name = "INFOBIP_API_KEY"
    assert "is not set" in str(refusal(ENV, {}, tmp_path))
    assert "both" in str(refusal(ENV, {name: VALUE, f"{name}_FILE": "/x"}, tmp_path))
    assert "is not set" in str(refusal(ENV, {name: ""}, tmp_path))
    assert "empty" in str(refusal(ENV, {name: "  "}, tmp_path))
    assert "white space" in str(refusal(ENV, {name: f" {VALUE}"}, tmp_path))
    assert "white space" in str(refusal(ENV, {name: f"{VALUE}\n"}, tmp_path))
    assert "white space" in str(refusal(ENV, {name: f"{VALUE}\nX: y"}, tmp_path))


def test_a_mounted_file_that_cannot_be_used(tmp_path: Path) -> None:
    """Missing, a folder, a pipe, too large, not text, or one that everybody may write."""
    name = "INFOBIP_API_KEY_FILE"
    assert "cannot be opened" in str(refusal(ENV, {name: str(tmp_path / "none")}, tmp_path))
    assert "cannot be opened" in str(refusal(ENV, {name: "a\0b"}, tmp_path))
    assert "regular file" in str(refusal(ENV, {name: str(tmp_path)}, tmp_path))
    os.mkfifo(tmp_path / "pipe")
    assert "regular file" in str(refusal(ENV, {name: str(tmp_path / "pipe")}, tmp_path))
    large = tmp_path / "large"
    large.write_text(VALUE * 1000)
    assert "regular file" in str(refusal(ENV, {name: str(large)}, tmp_path))
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    assert "not text" in str(refusal(ENV, {name: str(binary)}, tmp_path))
    binary.write_text(VALUE)
    binary.chmod(0o666)
    assert "everybody may write" in str(refusal(ENV, {name: str(binary)}, tmp_path))


def test_a_file_of_the_project(tmp_path: Path) -> None:
    """Mode 0600 and inside the project; others' bits, links and paths out of it are refused."""
    file = tmp_path / "secrets" / "api-key"
    file.parent.mkdir()
    file.write_text(VALUE + "\n")
    file.chmod(0o600)
    ref = SecretRef(file="secrets/api-key")
    assert resolve(ref, {}, tmp_path) == Secret(VALUE)
    for mode in (0o640, 0o604, 0o620, 0o644):
        file.chmod(mode)
        assert "others may read or write" in str(refusal(ref, {}, tmp_path))
    file.chmod(0o600)
    (tmp_path / "link").symlink_to(file)
    assert "symbolic link" in str(refusal(SecretRef(file="link"), {}, tmp_path))
    assert "leaves the project" in str(refusal(SecretRef(file="../key"), {}, tmp_path))
    assert "no such file" in str(refusal(SecretRef(file="none"), {}, tmp_path))
    file.write_text("")
    assert "empty" in str(refusal(ref, {}, tmp_path))


@pytest.mark.parametrize(
    "text", ["{}", '{"env":"A","file":"b"}', '{"env":"9A"}', '{"env":"A-B"}', '{"env":"Ä"}', '{"env":""}']
)
def test_what_is_no_reference(text: str) -> None:
    """One place, and a name that an environment can have."""
    with pytest.raises(ValidationError):
        SecretRef.model_validate_json(text)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("sandbox", None),
        ("https://api.infobip.com", None),
        ("https://abc123.api.infobip.com", None),
        ("https://abc123.api.infobip.com/", None),
        ("https://ABC123.API.infobip.com:443", None),
        ("http://127.0.0.1:8080", None),
        ("http://localhost:8080", None),
        ("http://[::1]:8080", None),
        ("https://127.0.0.1:8443", None),
        ("Sandbox", "ZS145"),
        ("", "ZS145"),
        ("abc123.api.infobip.com", "ZS145"),
        ("ftp://abc123.api.infobip.com", "ZS145"),
        ("http://abc123.api.infobip.com", "ZS145"),
        ("https://me:pw@abc123.api.infobip.com", "ZS145"),
        ("https://abc123.api.infobip.com@evil.example", "ZS145"),
        ("https://abc123.api.infobip.com/zalo", "ZS145"),
        ("https://abc123.api.infobip.com?x", "ZS145"),
        ("https://abc123.api.infobip.com#x", "ZS145"),
        ("https://abc123.api.infobip.com:8443", "ZS145"),
        ("https://abc123.api.infobip.com:x", "ZS145"),
        ("https://abc123.api.infobip.com\\@evil.example", "ZS145"),
        ("https://abc123.api.infobip.com\n", "ZS145"),
        ("https://ab c.api.infobip.com", "ZS145"),
        ("https://äbc.api.infobip.com", "ZS145"),
        ("http://0.0.0.0:8080", "ZS145"),
        ("http://10.0.0.1", "ZS145"),
        ("http://127.0.0.1.evil.example", "ZS145"),
        ("https://evil.example", "ZS146"),
        ("https://api.infobip.com.evil.example", "ZS146"),
        ("https://evilapi.infobip.com", "ZS146"),
        ("https://infobip.com", "ZS146"),
        ("https://203.0.113.5", "ZS146"),
        ("https://api.infobip.com.", "ZS146"),
    ],
)
def test_base_urls(url: str, code: str | None) -> None:
    """Infobip's hosts over https, this machine over either, and nothing that only looks like them."""
    fault = base_url_fault(url)
    assert (fault[0] if fault else None) == code


def environment(text: str) -> Environment:
    """An environment from its JSON."""
    return Environment.model_validate_json(text)


def test_a_foreign_host_needs_the_word_of_the_sending_process(tmp_path: Path) -> None:
    """The project file alone cannot point anywhere else, not even through a variable."""
    given = environment('{"baseUrl":{"env":"INFOBIP_BASE_URL"}}')
    environ = {"INFOBIP_BASE_URL": "https://gateway.example.vn"}
    with pytest.raises(UsageError, match="not one of Infobip's") as caught:
        resolve_base_url(given, environ, tmp_path)
    assert caught.value.code == "ZS146"
    environ["ZALOSYNC_ALLOWED_API_HOSTS"] = "other.example, GATEWAY.example.vn"
    assert resolve_base_url(given, environ, tmp_path) == "https://gateway.example.vn"
    with pytest.raises(UsageError, match="loopback addresses only"):
        resolve_base_url(given, {"INFOBIP_BASE_URL": "http://gateway.example.vn"}, tmp_path)


def test_the_sandbox_never_has_a_real_key() -> None:
    """Naming one is an error; asking for one is too."""
    with pytest.raises(ValidationError, match="never loads another"):
        environment('{"baseUrl":"sandbox","apiKey":{"env":"INFOBIP_API_KEY"}}')
    assert environment('{"baseUrl":"sandbox"}').is_sandbox
    with pytest.raises(UsageError, match="names no `apiKey`"):
        resolve_api_key(environment('{"baseUrl":"sandbox"}'), {}, Path())


def test_rehearsals_are_known() -> None:
    """The sandbox and servers on this machine."""
    assert [is_rehearsal(url) for url in ("sandbox", "http://127.0.0.1:1", "https://a.api.infobip.com")] == [
        True,
        True,
        False,
    ]


def test_ledger_urls(tmp_path: Path) -> None:
    """A file in the project by default, a path of it, or what a variable holds."""
    live = '"baseUrl":"https://a.api.infobip.com"'
    cases = {
        f"{{{live}}}": f"sqlite:///{tmp_path}/.zalosync/live.db",
        f'{{{live},"ledger":"sqlite:///state/l.db"}}': f"sqlite:///{tmp_path}/state/l.db",
        f'{{{live},"ledger":"postgresql://db/zalo"}}': "postgresql://db/zalo",
        f'{{{live},"ledger":{{"env":"URL"}}}}': "postgresql://me:pw@db/zalo",
    }
    environ = {"URL": "postgresql://me:pw@db/zalo"}
    for text, url in cases.items():
        assert resolve_ledger_url(environment(text), "live", environ, tmp_path) == url
    absolute = {"URL": "sqlite:////var/lib/zalosync/l.db"}
    given = environment(f'{{{live},"ledger":{{"env":"URL"}}}}')
    assert resolve_ledger_url(given, "live", absolute, tmp_path) == "sqlite:////var/lib/zalosync/l.db"
    with pytest.raises(UsageError, match="neither sqlite") as caught:
        resolve_ledger_url(given, "live", {"URL": f"mysql://{VALUE}@db"}, tmp_path)
    assert VALUE not in str(caught.value)


def test_reports_are_on_in_the_sandbox_and_off_elsewhere() -> None:
    """Unless the file says otherwise; null switches them off in both."""
    live = '"baseUrl":"https://a.api.infobip.com"'
    assert environment('{"baseUrl":"sandbox"}').reports_path == "/zalo/1/reports"
    assert environment('{"baseUrl":"sandbox","reportsPath":null}').reports_path is None
    assert environment(f"{{{live}}}").reports_path is None
    assert environment(f'{{{live},"reportsPath":"/zalo/2/reports"}}').reports_path == "/zalo/2/reports"
