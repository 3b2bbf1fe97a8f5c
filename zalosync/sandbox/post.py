"""POSTs of pushed reports, from any thread."""

import httpx

from zalosync.sandbox.webhook import Post


class Poster:
    """Posts reports. One for all posts: to read the machine's certificates takes longer than a post."""

    def __init__(self) -> None:
        # A connection for each post: a receiver that goes away leaves none that only seems to be open.
        self._client = httpx.Client(
            trust_env=False, follow_redirects=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    def post(self, item: Post) -> int | None:
        """The status of the answer, or None where there was none."""
        try:
            answer = self._client.post(
                item.url, content=item.body, headers=list(item.headers), timeout=item.timeout_ms / 1000
            )
        except (httpx.HTTPError, httpx.InvalidURL):
            return None
        return answer.status_code

    def close(self) -> None:
        """Close what is open."""
        self._client.close()
