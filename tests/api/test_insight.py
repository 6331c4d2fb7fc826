"""The insight over HTTP: who may see it, and what it looks like."""

import pytest

FORECAST = "/v1/companies/acme/forecast"
ADVICE = "/v1/companies/acme/advice"


def test_a_forecast_has_its_shape_from_the_first_day(api):
    api.charge()
    said = api.get(FORECAST).json
    assert (said["basis"], said["verdict"], said["used"]) == ("too_thin", "unknown", 1)
    assert said["period"]["start"] == "2026-02-01T00:00:00.000Z"
    assert (said["expected"], said["runs_out"], said["ahead"], said["used_up"]) == (None, None, [], None)


def test_dates_are_dates_and_ranges_are_ranges(api):
    for day in (10, 11):
        api.at(f"2026-02-{day}T12:00:00.000Z")
        api.charge()
    api.at("2026-02-12T12:00:00.000Z")
    said = api.get(FORECAST).json
    assert said["basis"] == "rough"
    assert said["runs_out"]["until"] == "2026-03-01"
    assert [day["date"] for day in said["ahead"]] == [f"2026-02-{n}" for n in range(12, 29)]
    assert said["ahead"][-1]["used"] == said["expected"]
    assert list(said["expected"]) == ["low", "middle", "high"]


@pytest.mark.parametrize(
    ("role", "status"), [("operator", 200), ("admin", 200), ("auditor", 200), ("app", 403), ("member", 403)]
)
def test_who_sees_the_insight(api, role, status):
    assert api.get(FORECAST, as_=role).status == status
    assert api.get(ADVICE, as_=role).status == status


def test_advice_says_what_it_is_about(api):
    api.charge()
    said = api.get(ADVICE).json
    assert list(said) == ["company", "from", "at", "entries", "is_whole", "advice"]
    assert (said["from"], said["entries"], said["is_whole"]) == ("2026-01-11T12:00:00.000Z", 2, True)
