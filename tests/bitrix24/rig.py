"""A portal, an AI service and a server of ours between them, each a real one."""

import contextlib
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from kvota.portals import OPEN
from kvota.stores import open_store
from tests.acceptance.servers import Server, environment
from tests.bitrix24.portal import Job, Portal
from tests.upstreams.service import KEY, AiService, Behaviour

COMPANY = "acme"
UPSTREAMS = """
[services.test]
base_url = "{url}"
models = ["*"]
key_env = "SERVICE_KEY"
first_byte_seconds = 8
"""


class Rig:
    """``server`` serves ``company`` at the portal; what the AI service answers is asked for by ``service``."""

    def __init__(self, folder: Path, store: str, portal: Portal, service: AiService, **settings: str) -> None:
        self.folder, self.store, self.portal, self.service = folder, store, portal, service
        upstreams = folder / "upstreams.toml"
        upstreams.write_text(UPSTREAMS.format(url=service.url))
        more = {
            "KVOTA_UPSTREAMS": str(upstreams),
            "SERVICE_KEY": KEY,
            "KVOTA_ALLOW_PRIVATE_TARGETS": "127.0.0.1",
            **settings,
        }
        catalogue = more.pop("KVOTA_CATALOGUE", "bitrix24")
        sandbox = more.pop("KVOTA_SANDBOX", "0") == "1"
        self.settings = {**environment(store, sandbox=sandbox, catalogue=catalogue), **more}
        self.server: Server

    def serve_publicly(self) -> None:
        """Have the server know where it is reached."""
        self.server = Server(self.folder, self.settings)
        self.settings["KVOTA_PUBLIC_URL"] = self.server.url

    def start(self, workers: int = 1) -> Self:
        """Start the server."""
        if not hasattr(self, "server"):
            self.server = Server(self.folder, self.settings, workers=workers)
        self.server.start()
        return self

    def command(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the command line on the same store."""
        return subprocess.run(
            [sys.executable, "-m", "kvota", *arguments],
            env={**self.settings, "KVOTA_PUBLIC_URL": self.server.url, **more},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def company(self, plan: str = "professional", name: str = COMPANY) -> None:
        """Create the company."""
        body = {"name": "Acme", "plan": plan, "time_zone": "Europe/Moscow", "locale": "ru"}
        reply = self.server.call("PUT", f"/v1/companies/{name}", body)
        assert reply.status in (200, 201), reply

    def connect(self, *more: str) -> None:
        """Register the engines in the portal."""
        webhook = ("--webhook", self.portal.webhook)
        done = self.command("bitrix24", "connect", COMPANY, *webhook, "--language", "ru", *more)
        assert done.returncode == 0, done

    def get(self, path: str) -> Any:
        """What the API tells of the company."""
        reply = self.server.call("GET", f"/v1/companies/{COMPANY}/{path}")
        assert reply.status == 200, reply
        return reply.body

    def entries(self, *kinds: str) -> list[dict[str, Any]]:
        """The ledger, or its entries of some kinds."""
        found: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = self.get(f"entries?limit=1000&after={after}")
            found += page["items"]
            after = page["next"]
        return [one for one in found if not kinds or one["kind"] in kinds]

    def used(self) -> int:
        """What the company's requests have come to."""
        return sum(one["cost"] for one in self.entries("captured", "charged"))

    def idle(self, seconds: float = 60, but: Collection[Job] = ()) -> None:
        """Wait until every job that was kept has ended; ``but``: some of which the portal knows nothing any more."""
        with contextlib.closing(open_store(self.store)) as store:

            def is_idle() -> bool:
                left = sum(count for status, count in store.count_jobs().items() if status in OPEN)
                kept = [store.job(COMPANY, one.hash) for one in but] if left else []
                return left == sum(one is not None and one.status in OPEN for one in kept)

            self.portal.until(is_idle, seconds)

    def behave(self, behaviour: Behaviour | None) -> None:
        """What the service does from now on."""
        self.service.behaviour = behaviour


@contextlib.contextmanager
def rigged(folder: Path, store: str, *, workers: int = 1, plan: str = "professional", **settings: str) -> Iterator[Rig]:
    """All of it, with the company connected."""
    with Portal() as portal:
        service = AiService()
        portal.run(service.__aenter__())
        rig = Rig(folder, store, portal, service, **settings)
        try:
            rig.start(workers)
            rig.company(plan)
            rig.connect()
            yield rig
        finally:
            with contextlib.suppress(ProcessLookupError, AttributeError):
                rig.server.kill()
            portal.run(service.__aexit__())


def saying(text: str) -> Behaviour:
    """A service that says the same whatever it is asked."""

    async def behave(request: web.Request, fields: Any) -> web.StreamResponse:
        message = {"role": "assistant", "content": text}
        return web.json_response({"choices": [{"index": 0, "message": message}], "text": text})

    return behave
