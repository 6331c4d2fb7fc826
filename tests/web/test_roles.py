"""Who may open what: every page and every form's target, with every role and with another company's session."""

import pytest

from kvota.web.page import ROLES
from kvota.web.pages import pages
from tests.web.harness import Site

OPERATOR, ADMIN, MEMBER, AUDITOR = ROLES
EVERYBODY = set(ROLES)
ALLOWED = {
    "home": EVERYBODY,
    "sign_out": EVERYBODY,
    "sessions": EVERYBODY,
    "end_session": EVERYBODY,
    "change_password": EVERYBODY,
    "companies": {OPERATOR},
    "overview": {OPERATOR, ADMIN, AUDITOR},
    "left": {OPERATOR, ADMIN, AUDITOR},
    "moves": {OPERATOR, ADMIN, AUDITOR},
    "tips": {OPERATOR, ADMIN, AUDITOR},
    "new_company": {OPERATOR},
    "make_company": {OPERATOR},
    "orders_to_confirm": {OPERATOR},
    "confirm_order": {OPERATOR},
    "refuse_order": {OPERATOR},
    "health": {OPERATOR},
    "control": {OPERATOR},
    "suspend": {OPERATOR},
    "resume": {OPERATOR},
    "adjust": {OPERATOR},
    "override": {OPERATOR},
    "grant_boost": {OPERATOR},
    "revoke_boost": {OPERATOR},
    "audit": {OPERATOR},
    "catalogue": {OPERATOR},
    "check_catalogue": {OPERATOR},
    "load_catalogue": {OPERATOR},
    "plan": {OPERATOR, ADMIN, AUDITOR},
    "change_plan": {OPERATOR, ADMIN},
    "drop_plan": {OPERATOR, ADMIN},
    "boosts": {OPERATOR, ADMIN, AUDITOR},
    "place_order": {OPERATOR, ADMIN},
    "drop_order": {OPERATOR, ADMIN},
    "caps": {OPERATOR, ADMIN, AUDITOR},
    "set_cap": {OPERATOR, ADMIN},
    "remove_cap": {OPERATOR, ADMIN},
    "people": {OPERATOR, ADMIN, AUDITOR},
    "put_person": {OPERATOR, ADMIN},
    "person": {OPERATOR, ADMIN},
    "erase_person": {OPERATOR, ADMIN},
    "invite": {OPERATOR, ADMIN},
    "reset_sign_in": {OPERATOR, ADMIN},
    "remove_sign_in": {OPERATOR, ADMIN},
    "keys": {OPERATOR, ADMIN, AUDITOR},
    "make_key": {OPERATOR, ADMIN},
    "revoke_key": {OPERATOR, ADMIN},
    "notifications": {OPERATOR, ADMIN},
    "put_notifications": {OPERATOR, ADMIN},
    "make_webhook": {OPERATOR, ADMIN},
    "rotate_webhook": {OPERATOR, ADMIN},
    "remove_webhook": {OPERATOR, ADMIN},
    "try_webhook": {OPERATOR, ADMIN},
    "resend_delivery": {OPERATOR, ADMIN},
    "settings": {OPERATOR, ADMIN, AUDITOR},
    "change_settings": {OPERATOR, ADMIN},
    "statistics": {OPERATOR, ADMIN, AUDITOR},
    "counted": {OPERATOR, ADMIN, AUDITOR},
    "ledger": {OPERATOR, ADMIN, AUDITOR},
    "entry": {OPERATOR, ADMIN, AUDITOR},
    "ledger_csv": {OPERATOR, ADMIN, AUDITOR},
    "ledger_xlsx": {OPERATOR, ADMIN, AUDITOR},
    "advice": {OPERATOR, ADMIN, AUDITOR},
    "mine": {MEMBER},
    "quote": {MEMBER},
    "ask_for_more": {MEMBER},
    "appeals": {OPERATOR, ADMIN, AUDITOR},
    "raise_cap": {OPERATOR, ADMIN},
    "order_boost": {OPERATOR, ADMIN},
    "refuse_appeal": {OPERATOR, ADMIN},
}
OPEN = {"prefer", "sign_in", "try_sign_in", "forgotten", "welcome", "set_password", "prices", "estimate"}
PAGES = {page.name: page for page in pages()}


def ask(site: Site, name: str, person: str | None, company: str = "acme"):
    """Open the page; a form is sent with a good token, and empty."""
    page, browser = PAGES[name], site.browser(person)
    path = page.path.replace("{company}", company).replace("{", "no-").replace("}", "")
    if name == "moves":
        return browser.head(path)  # a stream ends with the server only
    if page.method == "GET":
        return browser.get(path)
    return browser.send("/sessions" if person else "/sign-in", path)


def test_the_table_names_every_page():
    assert ALLOWED.keys() | OPEN == PAGES.keys()
    assert {name for name, page in PAGES.items() if page.roles is None} == OPEN


@pytest.mark.parametrize("name", ALLOWED)
def test_each_role_opens_what_it_may_and_nothing_else(site: Site, name: str):
    for role in ROLES:
        shown = ask(site, name, role)
        if role in ALLOWED[name]:
            assert shown.status not in (401, 403, 405, 500), (role, shown.status)
        else:
            assert shown.status == 403, (role, shown.status)


@pytest.mark.parametrize("name", ALLOWED)
def test_nobody_is_led_to_the_sign_in(site: Site, name: str):
    shown = ask(site, name, None)
    assert shown.status == 303
    assert shown.location.startswith("/sign-in")


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if "company" in page.parameters])
def test_of_another_company_nothing_is_there(site: Site, name: str):
    for person in ("admin", "auditor", "member"):
        assert ask(site, name, person, company="beta").status == 404
    assert ask(site, name, "beta_admin").status == 404
    assert ask(site, name, "operator", company="nothing").status == 404
