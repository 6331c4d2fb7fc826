"""`kvota upstreams check` says in words what is wrong with a service, in English and Russian."""

import json
import re
import subprocess

import anyio.to_thread
import pytest

from kvota.upstreams import Upstreams, parse
from kvota.upstreams.checking import check, told
from kvota.upstreams.failing import WORDS
from tests.cli.processes import KVOTA, environment
from tests.upstreams import service as acting
from tests.upstreams.service import KEY, AiService


def of(url: str, *, more: str = "", models: str = '["gpt-*"]') -> str:
    return f'[services.one]\nbase_url = "{url}"\nkey_env = "KEY"\nmodels = {models}\n{more}\n'


async def said(text: str, language: str = "en", key: str = KEY) -> str:
    async with Upstreams(parse(text, {"KEY": key})) as upstreams:
        (finding,) = await check(upstreams)
    return told(finding, language)


@pytest.mark.anyio
async def test_a_service_that_is_well_is_told_with_the_number_of_its_models():
    async with AiService() as service:
        assert await said(of(service.url)) == "one: it answers; models in its list: 4"
        assert await said(of(service.url), "ru") == "one: отвечает, моделей в списке: 4"


@pytest.mark.anyio
async def test_each_thing_that_is_wrong_has_its_own_words():
    async with AiService() as service:
        assert "does not take our key" in await said(of(service.url), key="sk-wrong")
        assert "none of its models is like o9-*" in await said(of(service.url, models='["gpt-test", "o9-*"]'))
        assert "its certificate" in await said(of(service.url.replace("http", "https")))
        for status, words in ((302, "never followed"), (429, "429"), (500, "5xx")):
            service.behaviour = acting.failing(status)
            assert words in await said(of(service.url))
        service.behaviour = acting.failing(404)
        assert "gives no list of its models" in await said(of(service.url))
        service.behaviour = acting.never
        assert "first_byte_seconds" in await said(of(service.url, more="first_byte_seconds = 1"))
    assert "nothing listens" in await said(of(service.url))
    assert "host name is not known" in await said(of("http://no-such-host.invalid/v1"))


def test_all_words_are_there_in_both_languages():
    for words in WORDS.values():
        assert re.search("[а-яё]", words["ru"])
        assert not re.search("[а-яё]", words["en"])


@pytest.mark.anyio
async def test_the_command_asks_each_service_and_exits_1_when_something_is_wrong(tmp_path):
    async with AiService() as service:
        (tmp_path / "up.toml").write_text(of(service.url))

        def run(*more: str, key: str) -> subprocess.CompletedProcess[str]:
            settings = environment({"KVOTA_UPSTREAMS": f"{tmp_path}/up.toml", "KEY": key})
            return subprocess.run(
                [*KVOTA, "upstreams", "check", *more], env=settings, capture_output=True, text=True, check=False
            )

        well = await anyio.to_thread.run_sync(lambda: run(key=KEY))
        assert (well.returncode, well.stdout) == (0, "one: it answers; models in its list: 4\n")
        wrong = await anyio.to_thread.run_sync(lambda: run("--json", "--lang", "ru", key="sk-wrong"))
        assert wrong.returncode == 1
        (found,) = json.loads(wrong.stdout)["services"]
        assert found["failure"] == "key_refused"
        assert "не принимает наш ключ" in found["said"]
        assert "sk-wrong" not in wrong.stdout + wrong.stderr


def test_the_command_tells_all_mistakes_of_a_file(tmp_path):
    (tmp_path / "up.toml").write_text('[services.one]\nbase_url = "x"\n')
    ended = subprocess.run(
        [*KVOTA, "upstreams", "check", f"{tmp_path}/up.toml"], env=environment({}), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert [line.split(": ")[1:3] for line in ended.stdout.splitlines()] == [
        ["line 1", "services.one.models"],
        ["line 2", "services.one.base_url"],
    ]
