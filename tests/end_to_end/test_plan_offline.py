"""A plan without the provider: the key that is pinned does, and the plan is the one that is made with it."""

from pathlib import Path

import pytest

from tests.support.command import zalosync
from tests.support.server import serving
from tests.support.shop import SENDER, write_shop

pytestmark = pytest.mark.usefixtures("loopback")


def test_an_encrypted_plan_without_the_provider(tmp_path: Path) -> None:
    """Planned while it answers and while it does not: one digest; nothing is applied without it."""
    with serving(tmp_path / "server") as server:
        key = "      apiKey: {env: INFOBIP_API_KEY}\n"
        shop = write_shop(tmp_path / "shop", 20, base_url=server.base_url, environment=key)
        assert zalosync(shop.root, "ledger", "init").code == 0
        (shown,) = zalosync(shop.root, "keys", "show", "--json", environ=server.environ).json["keys"]
        project = shop.root / "zalosync.yaml"
        pin = f'      publicKeys: {{"{SENDER}": "{shown["fingerprint"]}"}}\n'
        project.write_text(project.read_text(encoding="utf-8") + pin, encoding="utf-8")
        done = zalosync(shop.root, "plan", "-q", "-o", "a.zsplan", environ=server.environ)
        assert done.code == 0, done.err
    done = zalosync(shop.root, "plan", "-o", "b.zsplan", environ=server.environ)
    assert done.code == 0, done.err
    assert "[ZS657]" in done.err
    done = zalosync(shop.root, "diff", "a.zsplan", "b.zsplan", "--json")
    assert done.json["same"], done.out
    assert zalosync(shop.root, "apply", "b.zsplan", environ=server.environ).code == 5
