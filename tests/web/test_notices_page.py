"""The page of notifications: what is set, a webhook whose secret is shown once, and the log."""

import pytest

from kvota.core.notices import KINDS, event
from tests.web.harness import Site

PAGE = "/companies/acme/notifications"
HOOKS = "/companies/acme/webhooks"


@pytest.fixture
def admin(site: Site):
    return site.browser("admin")


def test_levels_kinds_and_addresses_are_set_and_what_is_wrong_stands_beside_its_field(site: Site, admin):
    fields = {"levels": "90, 25", "mail": "a@example.com, b@example.com"}
    assert admin.send(PAGE, PAGE, **fields, kinds=["boost.expires"]).status == 303
    found = site.meter.reads.notices.settings("acme")
    assert (found.levels, found.kinds, found.mail) == ((25, 90), ("boost.expires",), ("a@example.com", "b@example.com"))
    page = admin.get(PAGE).text
    assert 'value="25, 90"' in page
    assert page.count(" checked") == 1
    for wrong, field in (({"levels": "0"}, "levels"), ({"levels": "half"}, "levels"), ({"mail": "nobody"}, "mail")):
        refused = admin.send(PAGE, PAGE, **(fields | wrong), kinds=list(KINDS))
        assert refused.status == 422
        assert f'id="{field}-problem"' in refused.text
    assert site.meter.reads.notices.settings("acme") == found


def test_a_webhook_shows_its_secret_once_is_tested_rotated_and_removed(site: Site, admin):
    made = admin.send(PAGE, HOOKS, url="https://example.com/hook")
    secret = made.text.split("<code>")[1].split("</code>")[0]
    (hook,) = site.meter.reads.notices.webhooks("acme")
    assert secret == site.meter.reads.notices.secret(hook, 1)
    assert secret not in admin.get(PAGE).text
    assert admin.send(PAGE, f"{HOOKS}/{hook.id}/test").status == 303
    assert "a test" in admin.get(PAGE).text
    rotated = admin.send(PAGE, f"{HOOKS}/{hook.id}/rotate").text
    assert "<code>whsec_" in rotated
    assert secret not in rotated
    assert admin.send(PAGE, f"{HOOKS}/{hook.id}/remove").status == 303
    assert site.meter.reads.notices.webhooks("acme") == []
    refused = admin.send(PAGE, HOOKS, url="http://127.0.0.1/")
    assert refused.status == 422
    assert 'id="url-problem"' in refused.text


def test_the_log_says_what_failed_and_sends_it_again(site: Site, admin):
    site.meter.store.add_webhook("acme", "whk_1", "https://example.com/")
    site.meter.reads.notices.tell([event("acme", "appeal.made", "apl_1", 1, {"user": "ivan", "wanted": None})])
    site.meter.store.spread(9)
    site.meter.store.remove_webhook("acme", "whk_1")
    assert "failed: the webhook was removed" in admin.get(PAGE).text
    ((row, _),) = site.meter.reads.notices.deliveries("acme", "", 9)
    assert admin.send(PAGE, f"/companies/acme/deliveries/{row.id}/resend").status == 303
    assert site.meter.reads.notices.deliveries("acme", "", 9)[0][0].status == "waiting"
