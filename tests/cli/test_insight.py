"""``kvota status``, ``forecast`` and ``advice``: on a store of their own and through a server, in both languages."""


def test_status_draws_what_is_left_and_says_what_is_foreseen(kvota, acme):
    kvota.ok("charge", acme, "feed_text")
    told = kvota.ok("status", acme, "--lang", "en").out
    assert "Basic: 99 requests" in told
    assert "99 / 100" in told
    assert "There is too little to tell yet" in told
    assert "Базовый: 99 запросов" in kvota.ok("status", acme, "--lang", "ru").out


def test_forecast_and_advice_have_words_and_json(kvota, acme):
    for _ in range(2):
        kvota.ok("charge", acme, "follow_up", "--quantity", "participants=3")
    assert kvota.ok("forecast", acme, "--json").json["used"] == 20
    assert kvota.ok("forecast", acme, "--lang", "ru").out.startswith("Для прогноза мало данных")
    (one,) = kvota.ok("advice", acme, "--json").json["advice"]
    assert (one["kind"], one["requests"]) == ("nearly_free", 20)
    assert "is free from 4: 2 calls cost 20 requests" in kvota.ok("advice", acme, "--lang", "en").out
    assert kvota("advice", "nobody-here").code == 2


def test_usage_draws_who_used_what_and_when_in_both_languages(kvota, acme):
    kvota.ok("charge", acme, "feed_text", "--user", "anna")
    kvota.ok("charge", acme, "follow_up", "--user", "boris", "--quantity", "participants=2")
    told = kvota.ok("usage", acme, "--lang", "en").out
    assert "11 requests, 2 calls" in told
    by_user = told.partition("By user\n")[2].splitlines()
    assert [line.split()[0] for line in by_user[:2]] == ["boris", "anna"]
    assert by_user[0].split()[2] == "10"
    russian = kvota.ok("usage", acme, "--lang", "ru").out
    assert "11 запросов, 2 обращения" in russian
    assert "По сотрудникам" in russian
    assert "не указано" in russian.partition("По отделам")[2]
    assert kvota.ok("usage", acme, "--json").json["total"]["requests"] == 11
    assert "Nothing was used" in kvota.ok("usage", acme, "--from", "2026-01-01", "--to", "2026-01-02").err
