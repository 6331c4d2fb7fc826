"""Signing in: who is let in, who has to wait, what a browser keeps, and what is refused."""

import pytest

from kvota.web.pages.entrance import FROM_ONE_ADDRESS, OF_ONE_SIGN_IN
from kvota.web.pages.sessions import device
from tests.web.harness import PASSWORD, Site

ACCEPTED = {"password": PASSWORD, "repeated": PASSWORD}


def welcome(site: Site, person: str = "admin"):
    """Accept the invitation; the browser, signed in by it."""
    browser = site.browser()
    token = site.tokens[person]
    done = browser.send(f"/welcome?token={token}", "/welcome", token=token, **ACCEPTED)
    assert (done.status, done.location) == (303, "/")
    return browser


def try_password(browser, person: str = "admin", password: str = PASSWORD, **more: str):
    return browser.send("/sign-in", "/sign-in", email=f"{person}@example.com", password=password, **more)


@pytest.mark.parametrize(
    ("person", "first"),
    [("operator", "/companies"), ("admin", "/companies/acme"), ("member", "/mine"), ("auditor", "/companies/acme")],
)
def test_an_invitation_sets_a_password_and_leads_to_the_first_page_of_the_role(site: Site, person: str, first: str):
    welcome(site, person)
    browser = site.browser()
    done = try_password(browser, person)
    assert (done.status, done.location) == (303, "/")
    assert browser.get("/").location == first
    assert browser.get(first).status == 200


def test_a_link_is_used_once_and_both_passwords_must_agree(site: Site):
    browser, token = site.browser(), site.tokens["admin"]
    page = f"/welcome?token={token}"
    wrong = browser.send(page, "/welcome", token=token, password=PASSWORD, repeated=PASSWORD + "!")
    assert wrong.status == 422
    assert "is not the same password" in wrong.text
    short = browser.send(page, "/welcome", token=token, password="short", repeated="short")
    assert short.status == 422
    assert "10 to 200 characters" in short.text
    assert PASSWORD not in wrong.text
    welcome(site)
    assert "The link has ended" in site.browser().get(page).text


def test_a_wrong_password_says_no_more_than_a_wrong_address(site: Site):
    welcome(site)
    browser = site.browser()
    wrong, nobody = try_password(browser, password="another"), try_password(browser, "nobody")
    assert wrong.status == nobody.status == 422
    assert "the address or the password is wrong" in wrong.text
    assert browser.get("/sessions").location == "/sign-in?next=/sessions"


def test_who_guesses_one_password_has_to_wait_though_he_would_hit_it(site: Site):
    welcome(site)
    browser = site.browser()
    for _ in range(OF_ONE_SIGN_IN):
        assert try_password(browser, password="another").status == 422
    assert try_password(browser).status == 429
    assert "session" not in browser.client.cookies
    assert browser.get("/companies/acme").status == 303


def test_who_guesses_many_passwords_from_one_address_has_to_wait(site: Site):
    welcome(site)
    browser = site.browser()
    for number in range(FROM_ONE_ADDRESS):
        assert try_password(browser, f"nobody{number}").status == 422
    refused = try_password(browser)
    assert refused.status == 429
    assert "Wait a few minutes" in refused.text
    assert browser.get("/companies/acme").status == 303


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "", "/\nx"])
def test_signing_in_leads_to_no_other_host(site: Site, path: str):
    welcome(site)
    assert try_password(site.browser(), next=path).location == "/"


def test_signing_in_goes_on_where_it_was_asked_for(site: Site):
    welcome(site)
    asked = site.browser().get("/companies/acme")
    assert asked.location == "/sign-in?next=/companies/acme"
    assert try_password(site.browser(), next="/companies/acme").location == "/companies/acme"


def test_signing_out_ends_the_session_and_not_only_the_cookie(site: Site):
    browser = site.browser("admin")
    secret = browser.client.cookies["kvota"]
    assert browser.send("/sessions", "/sign-out").location == "/sign-in"
    browser.client.cookies.set("kvota", secret)
    assert browser.get("/sessions").status == 303


def test_every_session_is_listed_and_can_be_ended(site: Site):
    here, there = site.browser("admin"), site.browser("admin")
    listed = here.get("/sessions").text
    assert listed.count("the tests") == 2
    path = next(part for part in listed.split('"') if part.startswith("/sessions/ses_"))
    assert here.send("/sessions", path).location == "/sessions"
    assert "The session has ended" in here.get("/sessions").text
    assert "The session has ended" not in here.get("/sessions").text, "it is said once"
    assert there.get("/sessions").status == 303
    assert here.send("/sessions", path).status == 404
    assert site.browser("beta_admin").send("/sessions", path).status == 404


def test_a_new_password_ends_every_other_session(site: Site):
    here, there = welcome(site), site.browser("admin")
    new = "quite another password"
    wrong = here.send("/sessions", "/sessions/password", present="wrong", password=new, repeated=new)
    assert wrong.status == 422
    assert "is not your password" in wrong.text
    assert here.send("/sessions", "/sessions/password", present=PASSWORD, password=new, repeated=new).status == 303
    assert here.get("/sessions").status == 200
    assert there.get("/sessions").status == 303
    assert try_password(site.browser(), password=new).status == 303


def test_a_form_of_another_site_or_of_no_page_of_ours_is_refused(site: Site):
    browser = site.browser("admin")
    token = browser.get("/sessions").token
    other = site.browser("auditor").get("/sessions").token
    for fields, headers in (
        ({"form_token": token}, {"Origin": "https://evil.example"}),
        ({"form_token": token}, {"Origin": "null"}),
        ({"form_token": token}, {"Sec-Fetch-Site": "cross-site"}),
        ({"form_token": token}, {}),
        ({"form_token": other}, None),
        ({}, None),
    ):
        assert browser.post("/sign-out", fields, headers=headers).status == 403, (fields, headers)
    assert browser.get("/sessions").status == 200
    assert browser.post("/sign-out", {"form_token": token}, headers={"Sec-Fetch-Site": "same-origin"}).status == 303


def test_a_visitor_s_form_is_his_own_too(site: Site):
    welcome(site)
    token = site.browser().get("/sign-in").token
    fields = {"form_token": token, "email": "admin@example.com", "password": PASSWORD}
    assert site.browser().post("/sign-in", fields).status == 403


def test_over_https_every_cookie_is_bound_to_the_host(site: Site):
    site.close()
    secure = Site(public_url="https://kvota.example/")
    try:
        browser = secure.browser(host="http://kvota.example")
        assert "__Host-kvota-visitor=" in browser.get("/sign-in").headers["set-cookie"]
        browser.origin = "https://kvota.example"
        token = secure.tokens["admin"]
        page = browser.get(f"/welcome?token={token}")
        visitor = page.headers["set-cookie"].partition(";")[0]
        headers = {"Origin": browser.origin, "Cookie": visitor}
        fields = {"form_token": page.token, "token": token, **ACCEPTED}
        done = browser.post("/welcome", fields, headers=headers)
        kept = [one for one in done.headers.get_list("set-cookie") if one.startswith("__Host-kvota=")]
        assert len(kept) == 1
        assert all(part in kept[0] for part in ("; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"))
        assert "Domain" not in kept[0]
    finally:
        secure.close()


def test_a_password_does_not_go_over_a_network_in_plain_http(site: Site):
    browser = site.browser(host="http://kvota.example")
    refused = browser.send("/sign-in", "/sign-in", email="admin@example.com", password=PASSWORD)
    assert refused.status == 403
    assert "HTTPS" in refused.text


def test_pages_are_framed_cached_and_scripted_by_nobody_else(site: Site):
    shown = site.browser("admin").get("/companies/acme")
    policy = shown.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert shown.headers["cache-control"] == "no-store"
    assert "<script>" not in shown.text
    assert " style=" not in shown.text
    assert " onclick=" not in shown.text


def test_language_and_theme_are_kept(site: Site):
    browser = site.browser()
    assert '<html lang="en"' in browser.get("/sign-in").text
    chosen = browser.send("/sign-in", "/preferences", language="ru", theme="dark", back="/sign-in")
    assert chosen.location == "/sign-in"
    assert '<html lang="ru" data-theme="dark"' in browser.get("/sign-in").text
    assert browser.send("/sign-in", "/preferences", theme="", back="https://evil.example").location == "/"
    assert '<html lang="ru">' in browser.get("/sign-in").text


def test_what_goes_wrong_is_a_page_in_the_visitor_s_language(site: Site):
    browser = site.browser("admin", language="ru")
    for path, status, said in (
        ("/nothing", 404, "Здесь ничего нет"),
        ("/companies/gamma", 404, "Здесь ничего нет"),
        ("/companies", 403, "Нет доступа"),
        ("/sign-out", 405, "Это адрес формы"),
    ):
        shown = browser.get(path)
        assert shown.status == status
        assert said in shown.text


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130.0 Safari/537.36 Edg/130.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox, Linux"),
        ("curl/8.5.0", "curl/8.5.0"),
    ],
)  # fmt: skip
def test_a_session_is_told_by_its_browser_and_system(agent, shown):
    assert device(agent) == shown
