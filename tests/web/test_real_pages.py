"""What only a real page shows: that it moves with the balance, changes its theme, and keeps no server from ending."""

import httpx2

from tests.cli.processes import Server
from tests.web.demo import Demo


def test_a_page_that_is_open_shows_what_was_charged_elsewhere(demo: Demo):
    page, seen = demo.open("admin", "en")
    page.goto("/companies/acme")
    before = page.inner_text("#left .big strong")
    key = next(line for line in demo.server.lines if line.startswith("app key:")).rpartition(" ")[2]
    reply = httpx2.post(
        f"{demo.url}/v1/companies/acme/charges",
        headers={"Authorization": f"Bearer {key}"},
        json={"action": "chat_question", "user": "anna"},
    )
    assert reply.status_code == 201
    page.wait_for_function("before => document.querySelector('#left .big strong').innerText !== before", arg=before)
    assert page.inner_text("#left .big strong") == f"{reply.json()['available']:,}"
    assert seen.problems == []
    page.close()


def test_the_theme_that_is_not_seen_is_the_one_to_choose(demo: Demo):
    page, _ = demo.open(None, "en")
    page.emulate_media(color_scheme="dark")
    page.goto("/sign-in")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    assert not page.is_visible(".to-dark")
    page.click(".to-light")
    assert page.evaluate(ground) != dark, "though the system is dark"
    assert not page.is_visible(".to-light")
    page.click(".to-dark")
    assert page.evaluate(ground) == dark
    page.context.clear_cookies()
    page.close()


def test_a_server_that_is_ended_waits_for_no_stream(tmp_path):
    with Server(tmp_path, command="demo") as server:
        told = server.read_until("The dashboard is at")
        server.read_until("The calls are described at")
        with httpx2.Client(base_url=server.url) as client:
            page = client.get("/sign-in").text
            token = page.split('name="form_token" value="')[1].partition('"')[0]
            fields = {"form_token": token, "email": "admin@acme.example", "password": told.rpartition(" ")[2]}
            client.post("/sign-in", data=fields, headers={"Origin": server.url})
            with client.stream("GET", "/companies/acme/parts/moves") as reply:
                pieces = reply.iter_bytes()
                assert next(pieces).startswith(b"retry:")
                assert server.stop() == 0
                assert list(pieces) == [], "and it was not cut off: that raises"
