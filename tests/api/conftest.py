from collections.abc import Iterator

import pytest

from tests.api.harness import Api


@pytest.fixture
def api() -> Iterator[Api]:
    """The API with the company ``acme`` on the plan ``tiny``, and a key of each role."""
    api = Api()
    try:
        api.make_company("acme")
        for role in ("admin", "app", "member", "auditor"):
            api.make_key(role)
        yield api
    finally:
        api.close()
