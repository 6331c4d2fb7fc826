"""What is at no address: a program is told so as JSON, a browser as a page."""

import httpx2
import pytest

from tests.acceptance.servers import serving


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/problem+json"),
        ("application/json", "application/problem+json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
    ],
)
def test_an_unknown_path_is_answered_in_the_callers_form(accept, kind, sqlite_url, tmp_path):
    with serving(sqlite_url, tmp_path) as server:
        reply = httpx2.get(f"{server.url}/v2/companies", headers={"Accept": accept})
    assert (reply.status_code, reply.headers["content-type"]) == (404, kind)
