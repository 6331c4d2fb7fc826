"""The room with its furniture: the door, the workers, and the application where there is one."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from kvota.asgi.exchange import Asgi
from kvota.asgi.services import Services
from kvota.bitrix24.answering import Asking, Models, Recordings
from kvota.bitrix24.application import Application, Credentials
from kvota.bitrix24.carrying import Carrier
from kvota.bitrix24.desk import Desk
from kvota.bitrix24.door import Bitrix24
from kvota.bitrix24.following import Follower
from kvota.bitrix24.rooms import Events, Menu
from kvota.bitrix24.workers import Workers
from kvota.outgoing import Outgoing
from kvota.settings import Settings
from kvota.store import Store


class Opened(NamedTuple):
    """The door, and what lives as long as the server."""

    door: Asgi
    lives: list[Callable[[], AbstractAsyncContextManager[None]]]


def open_bitrix24(store: Store, services: Services, settings: Settings, calls: Asking | None) -> Opened:
    """All of it; ``calls`` asks the AI services, None where there are none."""
    desk, outgoing = Desk(store), Outgoing(settings.private_targets)
    application: Application | None = None
    rooms: Mapping[str, Asgi] = {}
    lives: list[Callable[[], AbstractAsyncContextManager[None]]] = []
    if settings.bitrix24_client and settings.bitrix24_secret and settings.public_url:
        credentials = Credentials(settings.bitrix24_client, settings.bitrix24_secret, settings.bitrix24_oauth)
        application = Application(desk, outgoing, credentials)
        rooms = _rooms(desk, services, application, settings.public_url)
        lives.append(Follower(desk, services, application, settings.public_url).life)
    models = Models(settings.text_model, settings.image_model, settings.audio_model)
    carrier = Carrier(desk, services, calls, models, Recordings(outgoing), application=application)
    lives.insert(0, Workers(desk, carrier, outgoing).life)
    return Opened(Bitrix24(desk, outgoing, services.metrics, rooms), lives)


def _rooms(desk: Desk, services: Services, application: Application, public_url: str) -> Mapping[str, Asgi]:
    is_secure = public_url.startswith("https:")
    return {"events": Events(application), "menu": Menu(desk, services, application, is_secure=is_secure)}
