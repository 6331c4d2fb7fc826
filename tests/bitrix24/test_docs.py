"""docs/bitrix24.md does what it says, in both languages: every command in it runs, against a simulated portal."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.servers import Server, environment
from tests.bitrix24.portal import Portal
from tests.upstreams.service import KEY, AiService

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"en": DOCS / "bitrix24.md", "ru": DOCS / "bitrix24.ru.md"}


def blocks(page: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", PAGES[page].read_text(), re.DOTALL | re.MULTILINE)


def test_both_languages_have_the_same_commands_and_pictures() -> None:
    assert blocks("en") == blocks("ru")
    pictures = [re.findall(r"\]\((pictures/[^)]+)\)", PAGES[page].read_text()) for page in ("en", "ru")]
    assert pictures[0] == [name.replace(".ru.png", ".png") for name in pictures[1]]
    assert all((DOCS / name).exists() for name in (*pictures[0], *pictures[1]))


@pytest.mark.parametrize("page", ["en", "ru"])
def test_everything_that_the_page_points_to_is_there(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", PAGES[page].read_text())
    assert [link for link in links if not (DOCS / link).exists()] == []


def test_an_administrator_gets_to_the_first_metered_request(tmp_path: Path) -> None:
    with Portal() as portal:
        service = AiService()
        portal.run(service.__aenter__())
        settings = {
            **environment(f"sqlite:///{tmp_path}/kvota.db", catalogue="bitrix24"),
            "KVOTA_ALLOW_PRIVATE_TARGETS": "127.0.0.1",
        }
        server = Server(tmp_path, settings)
        instead = {
            "https://api.openai.com/v1": service.url,
            "sk-your-key": KEY,
            "https://kvota.example": server.url,
            "https://acme.bitrix24.com/rest/1/secret/": portal.webhook,
        }
        first, serve, *rest = blocks("en")  # and those of the other page: they are the same
        assert serve == "kvota serve\n"
        exports = "\n".join(re.findall(r"^export .*", "\n".join([first, *rest]), re.MULTILINE))

        def run(script: str) -> str:
            text = f'kvota() {{ "{sys.executable}" -m kvota "$@"; }}\n{exports}\n{script}'
            for old, new in instead.items():
                text = text.replace(old, new)
            done = subprocess.run(
                ["bash", "-e"], input=text, cwd=tmp_path, env=settings, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done
            return done.stdout

        try:
            run(first)
            settings.update(KVOTA_UPSTREAMS=str(tmp_path / "upstreams.toml"), OPENAI_API_KEY=KEY)
            server.start()
            create, connect, look, invite, afterwards = rest
            run(create)
            assert "kvota_crm_audio" in run(connect)
            assert portal.answer(portal.engine("_texts"), prompt="What is new?") == "Hello, world!"
            portal.until(lambda: "feed_text" in run(look))
            assert "999" in run(look)
            assert server.url in run(invite)
            assert run(afterwards)
            assert portal.methods.engines == {}
            assert portal.violations == []
        finally:
            server.kill()
            portal.run(service.__aexit__())
