"""The file of upstreams: all its mistakes at once, each with its line, and never a key."""

import pytest

from kvota.errors import UpstreamsInvalid
from kvota.upstreams import load, parse
from kvota.upstreams.configuration import is_like

RIGHT = """
[services.openai]
base_url = "https://api.openai.com/v1/"
key_env = "OPENAI_API_KEY"
models = ["gpt-*", "whisper-1"]
idle_seconds = 30

[services.openai.prices."gpt-4o*"]
currency = "USD"
input = 150000
output = 600000

[services.azure]
base_url = "https://acme.openai.azure.com/openai/v1"
key_env = "AZURE_KEY"
key_in = "api-key: {key}"
models = ["gpt-4o"]
rename = { "gpt-4o" = "acme-large" }
"""
KEYS = {"OPENAI_API_KEY": "sk-secret-one", "AZURE_KEY": "secret-two"}


def test_a_right_file_is_read_in_its_order_with_the_keys_of_the_environment():
    openai, azure = parse(RIGHT, KEYS)
    assert (openai.name, openai.base_url, openai.models) == (
        "openai", "https://api.openai.com/v1", ("gpt-*", "whisper-1"),
    )  # fmt: skip
    assert (openai.connect_seconds, openai.first_byte_seconds, openai.idle_seconds) == (5, 120, 30)
    assert openai.key_header() == {"Authorization": "Bearer sk-secret-one"}
    assert azure.key_header() == {"api-key": "secret-two"}
    assert azure.rename == {"gpt-4o": "acme-large"}
    price = openai.price("gpt-4o-mini")
    assert price is not None
    assert (price.currency, price.input, price.cached_input, price.output) == ("USD", 150000, None, 600000)
    assert openai.price("whisper-1") is None


def test_all_mistakes_are_told_at_once_each_with_its_line():
    text = """
[services.one]
base_url = "ftp://example.org"
models = []
connect_seconds = 0
timeout = 5

[services.Two]

[services.three]
base_url = "https://user:pass@example.org/v1"
key_env = "NOT_THERE"
key_in = "Bearer"
models = ["ok", 7]

[services.three.prices."ok"]
input = 1.5
"""
    with pytest.raises(UpstreamsInvalid) as caught:
        parse(text, {})
    found = [(one.field, one.message.split(";")[0]) for one in caught.value.errors]
    fields = [field for field, _ in found]
    assert fields == [
        "line 3: services.one.base_url",
        "line 4: services.one.models",
        "line 5: services.one.connect_seconds",
        "line 6: services.one.timeout",
        "line 8: services.Two",
        "line 11: services.three.base_url",
        "line 12: services.three.key_env",
        "line 13: services.three.key_in",
        "line 14: services.three.models[1]",
        "line 16: services.three.prices.ok.currency",
        "line 17: services.three.prices.ok.input",
    ]
    assert "the environment has no NOT_THERE" in caught.value.errors[6].message
    assert caught.value.detail.startswith("The file of upstreams has 11 mistakes; the first is line 3")


@pytest.mark.parametrize(
    "line", ['key = "sk-pasted-0123"', 'key_env = "sk-pasted-0123"', 'key_env = ["sk-pasted-0123"]']
)
def test_a_key_that_was_pasted_into_the_file_is_not_repeated(line):
    text = f'[services.a]\nbase_url = "https://a.example/v1"\nmodels = ["*"]\n{line}\n'
    with pytest.raises(UpstreamsInvalid) as caught:
        parse(text, {})
    assert "sk-pasted" not in repr((caught.value.detail, caught.value.errors))
    assert caught.value.errors[0].field.startswith("line 4: services.a.key")


def test_a_key_shows_itself_nowhere():
    services = parse(RIGHT, KEYS)
    assert "secret" not in repr(services).replace("Secret(***)", "")
    assert "Secret(***)" in repr(services)


@pytest.mark.parametrize("text", ["", "[services]\n", "services = 3\n", "[other]\n"])
def test_a_file_without_services_is_refused(text):
    with pytest.raises(UpstreamsInvalid) as caught:
        parse(text, {})
    assert any("services" in one.field or "other" in one.field for one in caught.value.errors)


def test_what_is_no_toml_is_told_with_its_line():
    with pytest.raises(UpstreamsInvalid, match=r"Line 2: this is no TOML"):
        parse("[services.a]\nbase_url = \n", {})


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UpstreamsInvalid, match=r"There is no file of upstreams .*No such file"):
        load(f"{tmp_path}/none.toml", {})


@pytest.mark.parametrize(
    ("model", "pattern", "expected"),
    [
        ("gpt-4o", "gpt-4o", True),
        ("gpt-4o", "gpt-*", True),
        ("gpt-4o", "*", True),
        ("gpt-4o", "*4o", True),
        ("gpt-4o-mini", "gpt-*-mini", True),
        ("gpt-4o", "gpt", False),
        ("gpt-4o", "gpt-4o-*", False),
        ("a-a", "a-a*a", False),
        ("ab", "a*b*b", False),
        ("gpt.4o", "gpt?4o", False),
        ("gpt-[x]", "gpt-[x]", True),
    ],
)
def test_only_a_star_has_a_meaning_in_a_pattern(model, pattern, expected):
    assert is_like(model, pattern) is expected
