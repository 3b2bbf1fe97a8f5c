"""One POST of pushed reports, from a thread."""

import httpx

from zalosync.sandbox.webhook import Post


def post(item: Post) -> int | None:
    """The status of the answer, or None where there was none."""
    try:
        with httpx.Client(trust_env=False, follow_redirects=False, timeout=item.timeout_ms / 1000) as client:
            return client.post(item.url, content=item.body, headers=list(item.headers)).status_code
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
