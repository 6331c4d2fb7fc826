"""The statistics over HTTP: their shape, what each line asks for, and who sees whose."""

import pytest

STATISTICS = "/v1/companies/acme/statistics"
FEBRUARY = "from=2026-02-01&to=2026-03-01"


def query(line):
    return "&".join(f"{name}={value}" for name, value in line["entries"].items())


def test_each_line_asks_for_the_entries_that_add_up_to_it(api):
    for user, department in (("ann", "law"), ("ann", None), ("bob", None), (None, None)):
        named = {"user": user, "department": department}
        api.charge(**{name: value for name, value in named.items() if value})
    api.at("2026-02-20T12:00:00.000Z")
    api.charge(user="bob")
    said = api.get(f"{STATISTICS}?{FEBRUARY}").json
    assert said["previous"] == {"from": "2026-01-04", "to": "2026-02-01"}
    assert (said["total"]["calls"], len(said["days"]), len(said["hours"])) == (5, 28, 24)
    lists = [said[name] for name in ("days", "hours", "tools", "actions", "users", "departments")]
    for line in [said["total"], *(line for lines in lists for line in lines)]:
        items = api.get(f"{STATISTICS}/entries?{query(line)}").json["items"]
        alone = api.get(f"{STATISTICS}?{query(line)}").json["total"]
        for name in ("calls", "requests", "refunded", "written_off"):
            assert sum(item[name] for item in items) == alone[name] == line[name]
    nobody = next(line for line in said["departments"] if line["name"] is None)
    assert nobody["entries"] == {"from": "2026-02-01", "to": "2026-03-01", "without": "department"}


def test_a_member_sees_what_counts_for_him_and_may_ask_for_nobody_else(api):
    api.charge(user="ivan")
    api.charge(user="bob")
    member = api.get(f"{STATISTICS}?{FEBRUARY}", as_="member").json
    assert [line["name"] for line in member["users"]] == ["ivan"]
    entries = api.get(f"{STATISTICS}/entries?{FEBRUARY}", as_="member").json["items"]
    assert [one["user"] for one in entries] == ["ivan"]
    for asked in ("user=bob", "without=user"):
        for path in (STATISTICS, f"{STATISTICS}/entries"):
            assert api.get(f"{path}?{FEBRUARY}&{asked}", as_="member").code == "forbidden"
    assert api.get(f"{STATISTICS}?{FEBRUARY}&user=ivan", as_="member").json["total"]["calls"] == 1


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("from=2026-02-01", ""),
        ("from=2026-02-30&to=2026-03-01", "from"),
        ("from=2026-03-01&to=2026-03-01", "to"),
        ("from=2026-03-01&to=2027-03-03", "to"),
        (f"{FEBRUARY}&hour=24", "hour"),
        (f"{FEBRUARY}&without=tool", "without"),
        (f"{FEBRUARY}&without=user,user", "without"),
        (f"{FEBRUARY}&without=user&user=ann", "user"),
        (f"{FEBRUARY}&after=1", "after"),
    ],
)
def test_what_cannot_be_asked_names_the_field(api, asked, field):
    refused = api.get(f"{STATISTICS}?{asked}")
    assert (refused.status, refused.code) == (422, "invalid")
    assert field in str(refused.json["errors"])
    russian = api.get(f"{STATISTICS}?{asked}", language="ru").json["errors"]
    assert russian != refused.json["errors"]
