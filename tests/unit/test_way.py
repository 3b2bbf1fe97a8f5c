"""What a run's record says of the way to the provider."""

from pathlib import Path

from zalosync.cli.who import who


def test_a_proxy_and_authorities_are_recorded(tmp_path: Path) -> None:
    """Host and port of the proxy, and the file; never the password."""
    environ = {
        "ZALOSYNC_ACTOR": "ann",
        "ZALOSYNC_PROXY": "http://ann:canary@proxy.example:8080",
        "ZALOSYNC_CA_FILE": "/etc/authority.pem",
    }
    said = who(tmp_path, environ)
    assert (said["proxy"], said["ca_file"]) == ("proxy.example:8080", "/etc/authority.pem")
    assert "canary" not in str(said)


def test_nothing_is_said_of_the_plain_way(tmp_path: Path) -> None:
    """Variables of other programs are no way of ours."""
    said = who(tmp_path, {"ZALOSYNC_ACTOR": "ann", "HTTPS_PROXY": "http://proxy.example:8080"})
    assert not {"proxy", "ca_file"} & set(said)
