"""The doors of a server: each request to its own, and what lives as long as they are open."""

import pytest

from kvota.doors import Doors


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "door"),
    [
        ("/openai/models", "openai"),
        ("/openai", "openai"),
        ("/v1/openai/x", "api"),
        ("/v1", "api"),
        ("/readyz", "api"),
        ("/openai2", "web"),
        ("/", "web"),
        ("/companies/v1", "web"),
        ("*", "api"),
    ],
)
async def test_a_request_goes_to_the_door_that_its_path_begins_with(path, door):
    reached = []

    def opened(name):
        async def serve(_scope, _receive, _send):
            reached.append(name)

        return serve

    await Doors(opened("api"), {"openai": opened("openai")}, opened("web"), on_end=list)(
        {"type": "http", "path": path}, None, None
    )
    assert reached == [door]


@pytest.mark.anyio
async def test_the_life_of_the_server_is_the_apis():
    lived = []

    async def api(scope, _receive, _send):
        lived.append(scope["type"])

    await Doors(api, {}, api, on_end=list)({"type": "lifespan"}, None, None)
    assert lived == ["lifespan"]
