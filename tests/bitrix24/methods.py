"""The REST methods of a simulated portal, with the refusals that the documentation names."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp

CATEGORIES = ("text", "image", "audio", "call")
PAGE = 50
CHECK_SECONDS = 5
_CODE = re.compile(r"[A-Za-z0-9_-]+")
_SETTINGS = {"code_alias": str, "model_context_type": str, "model_context_limit": int}
Parameters = dict[str, Any]


class Refused(Exception):
    """A method's error; ``status`` is that of the reply."""

    def __init__(self, code: str, description: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.description, self.status = code, description or code, status


class Methods:
    """What a portal can be asked, and what it remembers of it. ``engines`` by code, in the order they came."""

    def __init__(self, session: Callable[[], aiohttp.ClientSession]) -> None:
        self._session = session
        self.engines: dict[str, dict[str, Any]] = {}
        self.notified: list[tuple[int, str]] = []
        self.placements: list[Parameters] = []
        self.license, self.family, self.language = "ru_basic", "basic", "ru"
        self.application = "local.kvota"
        self.administrators = {1}
        self.departments = [
            {"ID": "1", "NAME": "Продажи", "SORT": 500},
            {"ID": "2", "NAME": "Поддержка", "SORT": 500, "PARENT": "1"},
        ]
        self.users = [
            {
                "ID": str(number),
                "ACTIVE": True,
                "NAME": f"Имя{number}",
                "LAST_NAME": f"Фамилия{number}",
                "EMAIL": f"user{number}@example.com",
                "UF_DEPARTMENT": [1 + number % 2],
            }
            for number in range(1, 121)
        ]
        self._table: dict[str, Callable[[Parameters, int], Awaitable[Any]]] = {
            "ai.engine.register": self._register,
            "ai.engine.list": self._list,
            "ai.engine.unregister": self._unregister,
            "app.info": self._app_info,
            "user.current": self._user_current,
            "profile": self._profile,
            "user.get": self._user_get,
            "department.get": self._department_get,
            "server.time": self._server_time,
            "im.notify": self._im_notify,
            "im.notify.system.add": self._im_notify,
            "placement.bind": self._placement_bind,
        }

    async def call(self, method: str, parameters: Parameters, user: int) -> Any:
        """The result of a method, or ``Refused``."""
        known = self._table.get(method)
        if known is None:
            raise Refused("ERROR_METHOD_NOT_FOUND", "Method not found!", 404)
        return await known(parameters, user)

    async def _register(self, asked: Parameters, user: int) -> Any:
        self._check_administrator(user)
        name, code, category = asked.get("name"), asked.get("code"), asked.get("category")
        url, settings = asked.get("completions_url"), asked.get("settings", {})
        if not isinstance(name, str) or not name:
            raise Refused("ENGINE_REGISTER_ERROR_NAME")
        if not isinstance(code, str) or not code:
            raise Refused("ENGINE_REGISTER_ERROR_CODE")
        if not _CODE.fullmatch(code):
            raise Refused("ENGINE_REGISTER_ERROR_CODE_FORMAT")
        if code in self.engines:
            raise Refused("ENGINE_REGISTER_ERROR_CODE_UNIQUE")
        if not category:
            raise Refused("ENGINE_REGISTER_ERROR_CATEGORY")
        if category not in CATEGORIES:
            raise Refused("ENGINE_REGISTER_ERROR_CATEGORY_FORMAT")
        if not isinstance(url, str) or not url:
            raise Refused("ENGINE_REGISTER_ERROR_COMPLETIONS_URL")
        if not isinstance(settings, dict) or not all(
            name in _SETTINGS and isinstance(value, _SETTINGS[name]) for name, value in settings.items()
        ):
            raise Refused("ENGINE_REGISTER_ERROR_SETTINGS_FORMAT")
        if not await self._answers(url):
            raise Refused("ENGINE_REGISTER_ERROR_COMPLETIONS_URL_FAIL")
        number = len(self.engines) + 1
        self.engines[code] = {
            "ID": number,
            "NAME": name,
            "CODE": code,
            "CATEGORY": category,
            "COMPLETIONS_URL": url,
            "SETTINGS": settings,
            "APP_CODE": None,
            "DATE_CREATE": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        return number

    async def _answers(self, url: str) -> bool:
        """The check of ``completions_url``: a GET that answers 200."""
        try:
            timeout = aiohttp.ClientTimeout(total=CHECK_SECONDS)
            async with self._session().get(url, timeout=timeout, allow_redirects=False) as reply:
                return reply.status == 200
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return False

    def _check_administrator(self, user: int) -> None:
        if user not in self.administrators:
            raise Refused("ACCESS_DENIED", "Access denied! Administrators only.", 403)

    async def _list(self, asked: Parameters, user: int) -> Any:
        self._check_administrator(user)
        wanted = asked.get("filter", {})
        return [one for one in self.engines.values() if all(one.get(key.upper()) == wanted[key] for key in wanted)]

    async def _unregister(self, asked: Parameters, user: int) -> Any:
        self._check_administrator(user)
        if self.engines.pop(asked.get("code", ""), None) is None:
            raise Refused("ENGINE_NOT_FOUND", "Engine not found")
        return True

    async def _app_info(self, _: Parameters, __: int) -> Any:
        return {
            "ID": 7,
            "CODE": self.application,
            "VERSION": 1,
            "STATUS": "L",
            "INSTALLED": True,
            "PAYMENT_EXPIRED": "N",
            "DAYS": None,
            "LANGUAGE_ID": self.language,
            "LICENSE": self.license,
            "LICENSE_TYPE": self.license.split("_")[-1],
            "LICENSE_FAMILY": self.family,
        }

    async def _user_current(self, _: Parameters, user: int) -> Any:
        return next(one for one in self.users if one["ID"] == str(user))

    async def _profile(self, _: Parameters, user: int) -> Any:
        one = await self._user_current({}, user)
        return {
            "ID": one["ID"],
            "ADMIN": user in self.administrators,
            "NAME": one["NAME"],
            "LAST_NAME": one["LAST_NAME"],
        }

    async def _user_get(self, asked: Parameters, _: int) -> Any:
        wanted = asked.get("FILTER", {})
        return _page([one for one in self.users if all(one[name] == value for name, value in wanted.items())], asked)

    async def _department_get(self, asked: Parameters, _: int) -> Any:
        return _page(self.departments, asked)

    async def _server_time(self, _: Parameters, __: int) -> Any:
        return datetime.now().astimezone().isoformat(timespec="seconds")

    async def _im_notify(self, asked: Parameters, _: int) -> Any:
        to, message = asked.get("USER_ID", asked.get("to")), asked.get("MESSAGE", asked.get("message"))
        if not str(to).isdigit():
            raise Refused("USER_ID_EMPTY", "User ID can't be empty")
        if not message:
            raise Refused("MESSAGE_EMPTY", "Message can't be empty")
        self.notified.append((int(str(to)), str(message)))
        return len(self.notified)

    async def _placement_bind(self, asked: Parameters, _: int) -> Any:
        if any(one.get("HANDLER") == asked.get("HANDLER") for one in self.placements):
            raise Refused("ERROR_PLACEMENT_HANDLER_ALREADY_BINDED", "Handler already bound")
        self.placements.append(asked)
        return True


class Page(list[Any]):
    """A page of a list: ``next`` is where the following one starts."""

    total = 0
    next: int | None = None


def _page(rows: list[Any], asked: Parameters) -> Page:
    start = int(asked.get("start", asked.get("START", 0)))
    page = Page(rows[start : start + PAGE])
    page.total = len(rows)
    page.next = start + PAGE if start + PAGE < len(rows) else None
    return page
