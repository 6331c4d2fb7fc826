"""What an administrator does on the pages of his company: each through the form of its page, and seen in the store."""

import pytest

from kvota.core import commands
from tests.web.harness import PASSWORD, Site

ACME = "/companies/acme"


@pytest.fixture
def admin(site: Site):
    return site.browser("admin")


def balance(site: Site):
    return site.meter.reads.balance("acme")


def test_a_plan_is_previewed_before_it_is_changed(site: Site, admin):
    preview = admin.get(f"{ACME}/plan?plan=large&effective=now")
    assert preview.status == 200
    assert "Change to" in preview.text
    assert balance(site).plan == "tiny", "a preview changes nothing"
    done = admin.send(f"{ACME}/plan?plan=large", f"{ACME}/plan", plan="large", effective="now", once="a")
    assert (done.status, done.location) == (303, f"{ACME}/plan")
    assert balance(site).plan == "large"
    assert "The plan has been changed" in admin.get(f"{ACME}/plan").text


def test_a_change_for_the_next_period_can_be_dropped(site: Site, admin):
    admin.send(f"{ACME}/plan", f"{ACME}/plan", plan="large", effective="next_period", once="a")
    assert (balance(site).plan, balance(site).scheduled_plan) == ("tiny", "large")
    assert "Keep the present one" in admin.get(f"{ACME}/plan").text
    admin.send(f"{ACME}/plan", f"{ACME}/plan/drop")
    assert balance(site).scheduled_plan is None


@pytest.mark.parametrize("plan", ["nothing", ""])
def test_a_plan_that_there_is_not_is_refused_beside_the_choice(site: Site, admin, plan: str):
    refused = admin.send(f"{ACME}/plan", f"{ACME}/plan", plan=plan, effective="now")
    assert refused.status == 422
    assert 'class="problem" id="plan-problem"' in refused.text
    assert balance(site).plan == "tiny"


def test_a_boost_is_ordered_once_though_the_form_is_sent_twice(site: Site, admin):
    token = admin.get(f"{ACME}/boosts").token
    for _ in range(2):
        sent = admin.post(f"{ACME}/boosts/orders", {"form_token": token, "once": "a", "boost": "boost_20"})
        assert sent.status == 303
    (row,) = site.meter.reads.orders("acme", "", 10)
    assert row.order.status == "pending"
    assert "waits for the payment" in admin.get(f"{ACME}/boosts").text
    admin.send(f"{ACME}/boosts", f"{ACME}/boosts/orders/{row.order.id}/drop")
    assert site.meter.reads.orders("acme", "", 10)[0].order.status == "dropped"


def test_buying_a_boost_that_would_suspend_the_package_is_warned_of(site: Site, admin):
    assert "suspends the" in admin.get(f"{ACME}/boosts").text
    site.meter.engine.execute(commands.AddBoost(company="acme", boost="boost_20", by="tests"))
    assert "suspends the" not in admin.get(f"{ACME}/boosts").text, "it is suspended already"


def test_caps_are_set_changed_and_removed(site: Site, admin):
    done = admin.send(
        f"{ACME}/caps", f"{ACME}/caps", scope="user", name="ivan", requests="5", per="day", until="2099-01-31"
    )
    assert done.status == 303
    (cap,) = site.meter.reads.caps("acme")
    assert (cap.id, cap.scope, cap.name, cap.requests, cap.per) == ("user-ivan-day", "user", "ivan", 5, "day")
    assert "31 January" not in admin.get(f"{ACME}/caps").text, "it holds to the end of that day"
    assert "1 February, 00:00" in admin.get(f"{ACME}/caps").text
    admin.send(f"{ACME}/caps", f"{ACME}/caps", scope="users", requests="7", per="month", cap="user-ivan-day")
    (cap,) = site.meter.reads.caps("acme")
    assert (cap.scope, cap.requests, cap.until) == ("users", 7, None)
    admin.send(f"{ACME}/caps", f"{ACME}/caps/user-ivan-day/remove")
    assert site.meter.reads.caps("acme") == []


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"scope": "user", "name": "", "requests": "5", "per": "day"}, "name"),
        ({"scope": "user", "name": "ivan", "requests": "many", "per": "day"}, "requests"),
        ({"scope": "user", "name": "ivan", "requests": "5", "per": "year"}, "per"),
        ({"scope": "user", "name": "ivan", "requests": "5", "per": "day", "until": "soon"}, "until"),
        ({"scope": "tool", "tool": "nothing", "requests": "5", "per": "day"}, "tool"),
        ({"scope": "users", "requests": "5", "per": "day", "cap": "no id"}, "cap"),
    ],
)
def test_a_cap_that_cannot_be_is_refused_beside_its_field(site: Site, admin, fields: dict[str, str], wrong: str):
    refused = admin.send(f"{ACME}/caps", f"{ACME}/caps", **fields)
    assert refused.status == 422
    assert f'id="{wrong}-problem"' in refused.text
    assert site.meter.reads.caps("acme") == []


def test_settings_are_saved_with_the_tools_that_are_on(site: Site, admin):
    fields = {"name": "Acme & Co", "time_zone": "Europe/Moscow", "locale": "ru", "require_user": "yes"}
    done = admin.send(f"{ACME}/settings", f"{ACME}/settings", **fields, tools=["chat"])
    assert done.status == 303
    account = site.meter.reads.company("acme")
    assert (account.name, account.locale, account.require_user) == ("Acme & Co", "ru", True)
    assert "chat" not in account.tools_off
    assert account.tools_off
    assert "Acme &amp; Co" in admin.get(ACME).text
    refused = admin.send(f"{ACME}/settings", f"{ACME}/settings", **(fields | {"time_zone": "Mars/North"}))
    assert refused.status == 422
    assert 'id="time_zone-problem"' in refused.text


def test_a_key_shows_its_secret_once_and_can_be_revoked(site: Site, admin):
    made = admin.send(f"{ACME}/keys", f"{ACME}/keys", role="app", label="our CRM")
    secret = made.text.split("<code>")[1].split("</code>")[0]
    key = site.meter.reads.authenticate(secret)
    assert key is not None
    assert (key.role, key.company, key.label) == ("app", "acme", "our CRM")
    again = admin.get(f"{ACME}/keys").text
    assert secret not in again
    assert key.id in again
    admin.send(f"{ACME}/keys", f"{ACME}/keys/{key.id}/revoke")
    assert site.meter.reads.authenticate(secret) is None
    assert admin.send(f"{ACME}/keys", f"{ACME}/keys/{key.id}/revoke").status in (303, 404)


def test_a_member_s_key_names_the_member(admin):
    refused = admin.send(f"{ACME}/keys", f"{ACME}/keys", role="member")
    assert refused.status == 422
    assert 'id="user-problem"' in refused.text


def test_people_are_added_changed_and_erased(site: Site, admin):
    admin.send(f"{ACME}/people", f"{ACME}/people", user="anna", name="Anna <b>", email="anna@example.com")
    assert "Anna &lt;b&gt;" in admin.get(f"{ACME}/people").text
    page = f"{ACME}/people/anna"
    admin.send(page, f"{ACME}/people", user="anna", name="Anna", email="", department="sales")
    person = site.meter.reads.person("acme", "anna")
    assert (person.name, person.email, person.department) == ("Anna", None, "sales")
    assert admin.send(page, f"{page}/erase").status == 303
    assert admin.get(page).status == 404


def test_somebody_is_invited_signs_in_and_is_removed(site: Site, admin):
    made = admin.send(f"{ACME}/people", f"{ACME}/sign-ins", invited_email="new@example.com", invited_role="auditor")
    link = made.text.split("<code>")[1].split("</code>")[0]
    token = link.rpartition("=")[2]
    assert token not in admin.get(f"{ACME}/people").text
    guest = site.browser()
    guest.send(f"/welcome?token={token}", "/welcome", token=token, password=PASSWORD, repeated=PASSWORD)
    assert guest.get(ACME).status == 200
    one = site.meter.reads.access.find("new@example.com")
    assert one is not None
    assert "token=" in admin.send(f"{ACME}/people", f"{ACME}/sign-ins/{one.id}/reset").text
    admin.send(f"{ACME}/people", f"{ACME}/sign-ins/{one.id}/remove")
    assert guest.get(ACME).status == 303


def test_nobody_invites_an_operator_or_reaches_another_company_s_people(site: Site, admin):
    refused = admin.send(f"{ACME}/people", f"{ACME}/sign-ins", invited_email="x@example.com", invited_role="operator")
    assert refused.status == 422
    assert 'id="invited_role-problem"' in refused.text
    taken = admin.send(f"{ACME}/people", f"{ACME}/sign-ins", invited_email="admin@example.com", invited_role="admin")
    assert 'id="invited_email-problem"' in taken.text
    for person in ("operator", "beta_admin"):
        for what in ("reset", "remove"):
            path = f"{ACME}/sign-ins/{site.people[person].id}/{what}"
            assert admin.send(f"{ACME}/people", path).status == 404


def test_nobody_removes_his_own_sign_in(site: Site, admin):
    refused = admin.send(f"{ACME}/people", f"{ACME}/sign-ins/{site.people['admin'].id}/remove")
    assert refused.status == 422
    assert "let another administrator" in refused.text


def test_an_auditor_sees_the_pages_without_their_forms(site: Site):
    auditor = site.browser("auditor")
    for page in ("plan", "boosts", "caps", "people", "keys"):
        shown = auditor.get(f"{ACME}/{page}").text
        main = shown.split("<main", 1)[1]
        assert 'method="post"' not in main, page
