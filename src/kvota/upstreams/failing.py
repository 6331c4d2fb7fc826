"""What goes wrong with a service, as kinds, and in words."""

import asyncio
from typing import Literal

import aiohttp

from kvota.errors import CallerError, KvotaError, WorldError

Failure = Literal[
    "unresolved", "refused", "unreachable", "insecure", "no_connection", "silent", "broken", "no_http", "redirects",
    "key_refused", "overloaded", "failing",
]  # fmt: skip
Language = Literal["en", "ru"]

WORDS: dict[Failure, dict[Language, str]] = {
    "unresolved": {
        "en": "its host name is not known; is base_url right, and does this machine have DNS?",
        "ru": "имя хоста не находится; верен ли base_url и работает ли DNS на этой машине?",
    },
    "refused": {
        "en": "nothing listens at its address; is it running, and is the port of base_url right?",
        "ru": "по этому адресу никто не отвечает; запущен ли сервис и верен ли порт в base_url?",
    },
    "unreachable": {
        "en": "its address cannot be reached from here; look at the network and the firewall",
        "ru": "адрес недоступен с этой машины; проверьте сеть и межсетевой экран",
    },
    "insecure": {
        "en": "its certificate is not trusted here, or it does not speak TLS; is base_url https where it should be?",
        "ru": "сертификат не признан или сервис не говорит по TLS; верна ли схема https в base_url?",
    },
    "no_connection": {
        "en": "no connection within connect_seconds; look at the network, or allow it more time",
        "ru": "соединение не установлено за connect_seconds; проверьте сеть или увеличьте время",
    },
    "silent": {
        "en": "no first byte within first_byte_seconds; it is overloaded, or needs more time",
        "ru": "нет первого байта за first_byte_seconds; сервис перегружен или ему нужно больше времени",
    },
    "broken": {
        "en": "it closed the connection before the answer was complete",
        "ru": "сервис закрыл соединение, не закончив ответ",
    },
    "no_http": {
        "en": "what it answers is not HTTP; is base_url right?",
        "ru": "ответ не похож на HTTP; верен ли base_url?",
    },
    "redirects": {
        "en": "it sends callers to another address, which is never followed; correct base_url",
        "ru": "сервис перенаправляет на другой адрес, а перенаправления не выполняются; исправьте base_url",
    },
    "key_refused": {
        "en": "it does not take our key; look at the variable that key_env names, and at key_in",
        "ru": "сервис не принимает наш ключ; проверьте переменную, названную в key_env, и key_in",
    },
    "overloaded": {
        "en": "it takes no more calls now (429); the account's limit, or its quota, is reached",
        "ru": "сервис сейчас не принимает вызовы (429): исчерпан лимит или квота учётной записи",
    },
    "failing": {
        "en": "it answers with an error of its own (5xx); its owner has to look",
        "ru": "сервис отвечает внутренней ошибкой (5xx); смотреть должен его владелец",
    },
}


class NoAnswer(WorldError):
    """No service that has the model has begun to answer: ``failures`` tells why, by service. Nothing was delivered."""

    code = "upstream_unavailable"

    def __init__(self, failures: dict[str, Failure]) -> None:
        super().__init__("; ".join(f"{name}: {WORDS[failure]['en']}" for name, failure in failures.items()))
        self.failures = failures


class Broken(WorldError):
    """The answer has begun and does not come to its end: the connection broke, or the service fell silent."""

    code = "upstream_broken"


class Refused(KvotaError):
    """A service does not do what was asked, and says so with a status of 4xx; asking again is of no use."""

    code = "upstream_refused"

    def __init__(self, service: str, status: int, message: str) -> None:
        super().__init__(f"{service} answers {status}: {message}")
        self.service, self.status, self.message = service, status, message


class UnknownModel(CallerError):
    """No service has the model."""

    code = "model_not_found"

    def __init__(self, model: str) -> None:
        super().__init__(f"No AI service here has the model {model!r}.")
        self.model = model


def failure_of(error: BaseException) -> Failure:
    """Which failure an exception of the connection is."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "unresolved"
        case aiohttp.ClientSSLError():
            return "insecure"
        case aiohttp.ConnectionTimeoutError():
            return "no_connection"
        case aiohttp.ClientConnectorError():
            return "refused" if isinstance(error.os_error, ConnectionRefusedError) else "unreachable"
        case asyncio.TimeoutError() | TimeoutError():
            return "silent"
        case aiohttp.ClientResponseError():
            return "no_http"
        case _:
            return "broken"


def failure_of_status(status: int) -> Failure | None:
    """Which failure of the service a status is: one after which the next service is asked; None where it is none."""
    if status in (401, 403, 407):
        return "key_refused"
    if status == 429:  # noqa: PLR2004 - the status is its own name
        return "overloaded"
    if status >= 500:  # noqa: PLR2004
        return "failing"
    return "redirects" if 300 <= status < 400 else None  # noqa: PLR2004
