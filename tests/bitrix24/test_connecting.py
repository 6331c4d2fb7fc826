"""Connecting a portal: what an administrator is told, and that our client asks as the official one does."""

import asyncio
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from b24pysdk import BitrixWebhook

from kvota.bitrix24.connecting import explained
from kvota.bitrix24.rest import PortalRefused, PortalUnreachable, Rest, webhook_access
from kvota.errors import Invalid
from kvota.outgoing import Outgoing
from tests.bitrix24.portal import Portal
from tests.bitrix24.rig import COMPANY, Rig, rigged


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder: Path = tmp_path_factory.mktemp("connecting")
    with rigged(folder, f"sqlite:///{folder}/kvota.db") as found:
        yield found


def ask(portal: Portal, method: str, **parameters: Any) -> Any:
    async def run() -> Any:
        async with Outgoing(["127.0.0.1"]).session() as session:
            return await Rest(session, webhook_access(portal.webhook)).call(method, parameters)

    return asyncio.run(run())


def everything(portal: Portal, method: str) -> list[Any]:
    async def run() -> list[Any]:
        async with Outgoing(["127.0.0.1"]).session() as session:
            return [one async for one in Rest(session, webhook_access(portal.webhook)).pages(method)]

    return asyncio.run(run())


def test_our_client_gets_what_the_official_one_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    with Portal() as portal:
        callers = vars(importlib.import_module("b24pysdk.api.callers.call_method")).values()
        caller = next(one for one in callers if isinstance(one, type) and "_base_url" in vars(one))
        monkeypatch.setattr(caller, "_base_url", property(lambda self: f"http://{self._domain}/rest"))
        official = BitrixWebhook(domain=portal.host, webhook_token=f"1/{portal.webhook_secret}").call_method
        for method in ("ai.engine.list", "app.info", "user.current"):
            assert ask(portal, method) == official(method, {})["result"]
        assert everything(portal, "user.get") == [
            one for start in (0, 50, 100) for one in official("user.get", {"start": start})["result"]
        ]
        with pytest.raises(PortalRefused) as ours:
            ask(portal, "ai.engine.unregister", code="nobody")
        with pytest.raises(Exception, match="Engine not found") as theirs:
            official("ai.engine.unregister", {"code": "nobody"})
        assert (ours.value.error, type(theirs.value).__module__.split(".")[0]) == ("ENGINE_NOT_FOUND", "b24pysdk")


@pytest.mark.parametrize(
    "name",
    [
        "NAME", "CODE", "CODE_FORMAT", "CODE_UNIQUE", "CATEGORY", "CATEGORY_FORMAT", "COMPLETIONS_URL",
        "COMPLETIONS_URL_FAIL", "SETTINGS_FORMAT",
    ],
)  # fmt: skip
def test_each_refusal_of_a_registration_is_explained_in_both_languages(name: str) -> None:
    refusal = PortalRefused("ai.engine.register", f"ENGINE_REGISTER_ERROR_{name}", "")
    english, russian = (str(explained(refusal, "crm", language)) for language in ("en", "ru"))
    assert english != russian
    assert f"ENGINE_REGISTER_ERROR_{name}" in english
    assert len(english) > len(f"Kvota · CRM: (ENGINE_REGISTER_ERROR_{name})")


@pytest.mark.parametrize(
    "url", ["", "https://acme.bitrix24.com/", "ftp://acme/rest/1/secret/", "https://acme.bitrix24.com/rest/1/"]
)
def test_what_is_no_webhook_is_told_without_repeating_it(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        webhook_access(url)
    assert "https://example.bitrix24.com/rest/1/secret/" in str(refused.value)


def test_a_portal_that_does_not_answer_is_told() -> None:
    async def run() -> None:
        async with Outgoing(["127.0.0.1"]).session() as session:
            await Rest(session, webhook_access("http://127.0.0.1:1/rest/1/secret/")).call("app.info")

    with pytest.raises(PortalUnreachable) as failed:
        asyncio.run(run())
    assert "secret" not in str(failed.value)


def test_engines_are_listed_renewed_and_removed(rig: Rig) -> None:
    webhook = ("--webhook", rig.portal.webhook)
    before = {one["CODE"]: one["COMPLETIONS_URL"] for one in rig.portal.methods.engines.values()}
    shown = rig.command("bitrix24", "list", *webhook)
    assert shown.returncode == 0, shown
    assert all(code in shown.stdout for code in before)
    assert rig.command("bitrix24", "renew", *webhook).returncode == 0
    after = {one["CODE"]: one["COMPLETIONS_URL"] for one in rig.portal.methods.engines.values()}
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())
    assert rig.portal.answer(rig.portal.engine("_texts"), prompt="Still here?") == "Hello, world!"
    assert rig.command("bitrix24", "remove", *webhook).returncode == 0
    assert rig.portal.methods.engines == {}
    assert "not connected" in rig.command("bitrix24", "renew", *webhook).stderr
    rig.connect()
    assert len(rig.portal.methods.engines) == 7


def test_a_server_that_the_portal_cannot_reach_is_explained_and_nothing_is_left(rig: Rig) -> None:
    wrong = ("--webhook", rig.portal.webhook, "--public-url", "http://127.0.0.1:1", "--scenario", "crm")
    for language, words in (("en", "KVOTA_PUBLIC_URL"), ("ru", "не получил 200")):
        done = rig.command("bitrix24", "connect", COMPANY, *wrong, "--lang", language)
        assert done.returncode == 2
        assert words in done.stderr
        assert "ENGINE_REGISTER_ERROR_COMPLETIONS_URL_FAIL" in done.stderr
    rig.connect()


def test_a_company_that_is_not_there_a_wrong_scenario_and_no_public_url_are_told(rig: Rig) -> None:
    webhook = ("--webhook", rig.portal.webhook)
    assert "nobody" in rig.command("bitrix24", "connect", "nobody", *webhook).stderr
    done = rig.command("bitrix24", "connect", COMPANY, *webhook, "--scenario", "dreams")
    assert (done.returncode, "crm_audio" in done.stderr) == (2, True)
    done = rig.command("bitrix24", "connect", COMPANY, *webhook, KVOTA_PUBLIC_URL="")
    assert (done.returncode, "https://kvota.example" in done.stderr) == (2, True)


def test_a_webhook_without_the_right_is_explained(rig: Rig) -> None:
    wrong = rig.portal.webhook.replace(rig.portal.webhook_secret, "f" * 16)
    done = rig.command("bitrix24", "connect", COMPANY, "--webhook", wrong)
    assert (done.returncode, "Copy its address" in done.stderr) == (2, True)
    assert "f" * 16 not in done.stderr
