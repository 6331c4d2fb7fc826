"""What people do on the pages: reckon prices, ask for more, grant, confirm, load; each form does what it says, once."""

import re

import pytest

from kvota.core import commands as c
from kvota.core.account import Charge, Usage
from kvota.core.declines import Declined
from tests.api.harness import CATALOGUE
from tests.web.harness import Site

APPEALS = "/companies/acme/appeals"
SERVICES = '[services.local]\nbase_url = "http://127.0.0.1:9/v1"\nmodels = ["*"]\n'


def charge(site: Site, user: str = "ivan", action: str = "chat_question"):
    usage = Usage(action=action, user=user)
    return site.meter.engine.execute(c.ChargeUsage(company="acme", by="tests", usage=usage)).reply


def capped(site: Site) -> None:
    command = c.SetCap(company="acme", by="tests", cap="each", scope="users", name=None, requests=0, per="day")
    site.meter.engine.execute(command)


def asked(site: Site, **about: str) -> str:
    """A member asks for more; the id of his appeal."""
    done = site.browser("member").send("/mine", "/mine/appeal", text="A report is due", wanted="5", **about)
    assert (done.status, done.location) == (303, "/mine")
    return site.meter.reads.appeals.waiting("acme", 1)[0].id


def test_who_was_declined_asks_an_administrator_grants_and_the_next_call_passes(site: Site):
    capped(site)
    assert isinstance(charge(site), Declined)
    member, admin = site.browser("member"), site.browser("admin")
    quoted = member.get("/mine?action=chat_question").text
    assert 'name="reason" value="cap_reached"' in quoted
    appeal = asked(site, action="chat_question", reason="cap_reached", cap="each")
    assert "A report is due" in member.get("/mine").text
    shown = admin.get(APPEALS).text
    assert "A report is due" in shown
    assert 'class="count">1<' in shown
    done = admin.send(APPEALS, f"{APPEALS}/{appeal}/cap", requests="5", per="day", answer="Until tomorrow")
    assert (done.status, done.location) == (303, APPEALS)
    assert isinstance(charge(site), Charge)
    told = member.get("/mine").text
    assert "Until tomorrow" in told
    assert 'class="count"' not in admin.get(APPEALS).text


def test_a_boost_is_ordered_for_an_appeal_and_an_operator_confirms_it(site: Site):
    appeal, boost = asked(site), next(iter(site.meter.reads.catalogue().boosts))
    admin, operator = site.browser("admin"), site.browser("operator")
    admin.send(APPEALS, f"{APPEALS}/{appeal}/boost", boost=boost, answer="Ordered")
    order = site.meter.reads.orders("acme", "", 9)[0].order
    page = operator.get("/operator/orders").text
    assert order.id in page
    assert 'class="count">1<' in page
    path = f"/operator/orders/acme/{order.id}/confirm"
    assert operator.send("/operator/orders", path).status == 422  # by what it was paid is asked for
    for _ in range(2):
        assert operator.send("/operator/orders", path, reference="invoice 7").status == 303
    assert len(site.meter.reads.boosts("acme")) == 1
    acts = [(one.act, one.by) for one in site.meter.reads.audit.page("acme", "", 9)]
    assert acts == [("confirm_order", site.people["operator"].id)]


def test_a_refusal_is_told_with_its_answer_in_the_members_language(site: Site):
    appeal = asked(site)
    site.browser("admin").send(APPEALS, f"{APPEALS}/{appeal}/refuse", answer="В декабре")
    told = site.browser("member", language="ru").get("/mine").text
    assert "По заявке отказано" in told
    assert "В декабре" in told


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"requests": "many", "per": "day"}, "must be a whole number from 0 to"),
        ({"requests": "5", "per": "day", "until": "soon"}, "must be a date"),
        ({"requests": "5", "cap": "nothing"}, ""),
    ],
)
def test_a_grant_that_says_nothing_right_is_refused_and_the_appeal_waits(site: Site, fields, problem):
    appeal, admin = asked(site), site.browser("admin")
    done = admin.send(APPEALS, f"{APPEALS}/{appeal}/cap", **fields)
    assert done.status in (404, 422)
    assert problem in done.text
    assert site.meter.reads.appeals.waiting("acme", 9)


def test_an_appeal_of_another_company_is_not_there_and_a_member_answers_none(site: Site):
    appeal = asked(site)
    for person, status in (("beta_admin", 404), ("member", 403), ("auditor", 403)):
        browser = site.browser(person)
        assert browser.send("/sessions", f"{APPEALS}/{appeal}/refuse").status == status
    beta = f"/companies/beta/appeals/{appeal}/refuse"
    assert site.browser("beta_admin").send("/companies/beta/appeals", beta).status == 404


def test_a_member_sees_his_rooms_and_not_what_others_spent(site: Site):
    charge(site, "olga")
    charge(site, "ivan")
    capped(site)
    shown = site.browser("member").get("/mine").text
    assert re.search(r"<strong>0</strong>\s*left", shown)
    assert "1 request in 1 call" in shown
    assert "olga" not in shown


def test_prices_are_open_to_everybody_and_reckoned_without_a_script(site: Site):
    for person in (None, "member", "operator"):
        shown = site.browser(person).get("/prices?chat_question=12")
        assert shown.status == 200
        assert re.search(r"<strong>12</strong>\s*AI requests a month", shown.text)
    part = site.browser().get("/prices/estimate?chat_question=12").text
    assert "<html" not in part
    assert re.search(r"<strong>12</strong>", part)
    wrong = site.browser(language="ru").get("/prices?chat_question=-1")
    assert wrong.status == 200
    assert "нужно целое число от 0 до 100000" in wrong.text


def test_companies_are_searched_and_those_that_have_run_out_come_first(site: Site):
    while isinstance(charge(site), Charge):
        pass
    operator = site.browser("operator")
    shown = operator.get("/companies").text
    assert shown.index("/companies/acme") < shown.index("/companies/beta")
    found = operator.get("/companies?search=BET").text
    assert "/companies/beta" in found
    assert "/companies/acme" not in found
    assert operator.get("/companies?skip=nonsense&search=%00").status == 200


def test_a_company_is_made_once_and_one_that_is_there_stays(site: Site):
    operator, new = site.browser("operator"), "/operator/new-company"
    fields = {"id": "gamma", "name": "Гамма", "plan": "tiny", "time_zone": "Europe/Moscow", "locale": "ru"}
    done = operator.send(new, new, **fields)
    assert (done.status, done.location) == (303, "/companies/gamma")
    again = operator.send(new, new, **{**fields, "name": "Another"})
    assert again.status == 422
    assert "is taken" in again.text
    assert site.meter.reads.company("gamma").name == "Гамма"
    for field, value in (("id", "two words"), ("time_zone", "Mars"), ("plan", "golden")):
        refused = operator.send(new, new, **{**fields, "id": "delta", field: value})
        assert refused.status == 422
        assert "problem" in refused.text


def test_a_catalogue_is_checked_without_loading_it_and_then_loaded(site: Site):
    operator, path = site.browser("operator"), "/operator/catalogue"
    text = CATALOGUE.read_text()
    newer = text.replace('2026-01-01"\n', '2099-01-01"\n', 1).replace("allowance = 10\n", "allowance = 11\n")
    checked = operator.send(path, f"{path}/check", text=newer.replace("\n", "\r\n"))
    assert checked.status == 200
    assert "plans.tiny.allowance: 10" in checked.text
    assert site.meter.reads.catalogue().version == "2026-01-01"
    assert operator.send(path, f"{path}/load", text=newer).status == 303
    assert len(site.meter.store.catalogues()) == 2
    broken = operator.send(path, f"{path}/check", text="[catalogue]\nid = 7\n")
    assert "catalogue.id" in broken.text
    assert "warning" in broken.text
    assert site.meter.reads.audit.page(None, "", 1)[0].told == {"version": "2099-01-01"}


def test_what_an_operator_does_on_the_pages_is_told_with_his_address(site: Site):
    operator = site.browser("operator")
    new = "/operator/new-company"
    operator.send(new, new, id="gamma", name="Gamma", plan="tiny", time_zone="UTC", locale="en")
    shown = operator.get("/operator/audit").text
    assert "Company made or changed" in shown
    assert "Signed in" in shown
    assert "operator@example.com" in shown
    assert "Company made" not in operator.get("/operator/audit?company=beta").text


def test_health_tells_that_the_store_answers(site: Site):
    shown = site.browser("operator").get("/operator/health").text
    assert "writes and answers" in shown
    assert "2026-01-01" in shown
    assert "AI services" not in shown


def test_health_tells_how_ai_services_do_and_how_many_processes_serve(tmp_path):
    file = tmp_path / "services.toml"
    file.write_text(SERVICES)
    site = Site(upstreams=str(file), workers=3)
    try:
        shown = site.browser("operator").get("/operator/health").text
    finally:
        site.close()
    assert re.search(r"Processes that serve</span><strong>3<", shown)
    assert re.search(r"local.*not called yet", shown, re.DOTALL)


def test_an_operator_gives_corrects_and_stops_and_a_form_sent_twice_does_it_once(site: Site):
    operator, here = site.browser("operator"), "/companies/acme/control"
    reads = site.meter.reads
    for _ in range(2):
        fields = {"once": "a", "amount": "7", "expires_at": "2099-01-01", "reason": "sorry"}
        assert operator.send(here, f"{here}/boost", **fields).status == 303
        assert operator.send(here, f"{here}/adjust", once="b", amount="3", reason="a lost call").status == 303
    assert [(boost.amount, boost.reason) for boost in reads.boosts("acme")] == [(7, "sorry")]
    assert reads.balance("acme").allowance.used == 3
    assert operator.send(here, f"{here}/boosts/{reads.boosts('acme')[0].id}/revoke").status == 303
    assert reads.boosts("acme") == []
    operator.send(here, f"{here}/override", allowance_override="500")
    assert reads.balance("acme").allowance.granted == 500
    operator.send(here, f"{here}/override", allowance_override="")
    assert reads.balance("acme").allowance.granted == 10
    operator.send(here, f"{here}/suspend", reason="unpaid")
    assert reads.company("acme").suspended
    assert "Let it go on" in operator.get(here).text
    operator.send(here, f"{here}/resume")
    assert not reads.company("acme").suspended
    names = [one.act for one in reads.audit.page("acme", "", 20)]
    assert names == [
        "resume", "suspend", "put_company", "put_company", "revoke_boost", "adjust", "add_boost",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("target", "fields", "field"),
    [
        ("boost", {"amount": "-5", "expires_at": "2099-01-01"}, "amount"),
        ("boost", {"amount": "5"}, "expires_at"),
        ("boost", {"amount": "5", "expires_at": "9999-12-31"}, "expires_at"),
        ("adjust", {"amount": "5"}, "reason"),
        ("override", {"allowance_override": "many"}, "allowance_override"),
    ],
)
def test_what_an_operator_says_wrong_is_told_beside_the_field(site: Site, target, fields, field):
    here = "/companies/acme/control"
    shown = site.browser("operator").send(here, f"{here}/{target}", **fields)
    assert shown.status == 422
    assert f'id="{target}-{field}-problem"' in shown.text
