"""Letters as a mail server gets them: in the company's language, text beside HTML, once."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from kvota.core import commands as c
from kvota.core.notices import KINDS, Event, Notifications, event
from kvota.errors import Invalid
from kvota.mail import Mailer, MailFailed
from kvota.notify.letters import letter
from kvota.notify.sending import NO_MAIL
from kvota.notify.worker import Worker
from kvota.outgoing import Outgoing
from kvota.wiring import Meter
from tests.notify.waiting import settled
from tests.ports import free_port

PERIOD = {"start": "2026-03-01T00:00:00.000Z", "end": "2026-04-01T00:00:00.000Z"}
DATA: dict[str, dict[str, Any]] = {
    "package.threshold": {"level": 80, "used": 81, "granted": 100, "plan": "small", "period": PERIOD, "entry": 9},
    "forecast.runs_out": {
        "runs_out": {"early": "2026-03-18", "middle": "2026-03-21", "late": None},
        "missing": {"low": 5, "middle": 12, "high": 21},
        "available": 21,
        "period": PERIOD,
    },
    "boost.expires": {"boost": "bst_1", "left": 22, "expires_at": "2026-03-07T00:00:00.000Z"},
    "usage.unusual": {"requests": 41, "usual": 6, "since": "2026-03-06T00:00:00.000Z"},
    "appeal.made": {"appeal": "apl_1", "user": "a<b>nn", "wanted": 5},
    "test": {"webhook": "whk_1"},
}


class Post:
    """Takes letters; refuses those to ``nobody@…`` for ever, and everything while ``is_busy``."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.is_busy = False

    async def handle_RCPT(self, _server, _session, envelope, address, _options) -> str:  # noqa: N802 - aiosmtpd's name
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.is_busy:
            return "451 4.3.0 come back later"
        self.letters.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 OK"


@pytest.fixture
def post() -> Iterator[tuple[Post, str]]:
    taker = Post()

    def authenticate(_server, _session, _envelope, _mechanism, given) -> AuthResult:
        assert isinstance(given, LoginPassword)
        return AuthResult(success=given.login == b"kvota" and given.password == b"s3cret")

    controller = Controller(
        taker, hostname="127.0.0.1", port=free_port(), authenticator=authenticate, auth_require_tls=False
    )
    controller.start()
    yield taker, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


def told(kind: str) -> Event:
    return event("acme", kind, "1", 1_772_000_000_000, DATA[kind])  # type: ignore[arg-type]


def test_a_letter_is_taken_with_text_and_html_that_say_the_same(post: tuple[Post, str]):
    taker, url = post
    Mailer(url, "kvota@example.com").send(letter(told("appeal.made"), "ivan@example.com", "Ромашка", "ru"))
    (came,) = taker.letters
    assert (came["To"], came["From"]) == ("ivan@example.com", "kvota@example.com")
    assert came["Subject"] == "Сотрудник просит ещё запросов — Ромашка"
    text, html = (came.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html"))
    assert "a<b>nn просит увеличить лимит.\n\nХочет ещё 5 запросов." in text
    assert "<p>a&lt;b&gt;nn просит увеличить лимит.</p><p>Хочет ещё 5 запросов.</p>" in html
    assert '<html lang="ru">' in html
    assert came["Message-ID"] == letter(told("appeal.made"), "ivan@example.com", "Ромашка", "ru")["Message-ID"]


@pytest.mark.parametrize("kind", [*KINDS, "test"])
def test_every_kind_has_its_words_in_both_languages(kind: str):
    english, russian = (letter(told(kind), "a@example.com", "Acme", language) for language in ("en", "ru"))
    for one in (english, russian):
        assert "{" not in one.get_body(("plain",)).get_content()
    assert not any("а" <= sign <= "я" for sign in english["Subject"])
    assert any("а" <= sign <= "я" for sign in russian["Subject"])


def test_numbers_agree_with_their_words_in_russian():
    text = letter(told("package.threshold"), "a@example.com", "Acme", "ru").get_body(("plain",)).get_content()
    assert "израсходовано 81 запрос из 100 запросов" in text
    assert "вернутся 1 апреля" in text


def test_what_the_mail_server_refuses_says_whether_it_would_take_it_later(post: tuple[Post, str]):
    taker, url = post
    mailer = Mailer(url, "kvota@example.com")
    with pytest.raises(MailFailed, match="no such mailbox") as refused:
        mailer.send(letter(told("test"), "nobody@example.com", "Acme", "en"))
    assert refused.value.is_final
    taker.is_busy = True
    with pytest.raises(MailFailed, match="451") as later:
        mailer.send(letter(told("test"), "ivan@example.com", "Acme", "en"))
    assert not later.value.is_final
    with pytest.raises(MailFailed, match="did not take it"):
        Mailer(f"smtp://127.0.0.1:{free_port()}", "a@example.com").send(letter(told("test"), "a@b.c", "Acme", "en"))


def test_no_password_goes_over_a_line_that_is_not_encrypted(post: tuple[Post, str]):
    _, url = post
    mailer = Mailer(url.replace("://", "://kvota:s3cret@"), "kvota@example.com")
    with pytest.raises(MailFailed) as refused:
        mailer.send(letter(told("test"), "ivan@example.com", "Acme", "en"))
    assert "STARTTLS" in refused.value.detail
    assert "s3cret" not in refused.value.detail + repr(mailer)


@pytest.mark.parametrize("url", ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://a:b@c:port"])
def test_settings_that_cannot_be_read_are_refused_without_their_secret(url: str):
    with pytest.raises(Invalid) as refused:
        Mailer(url, "a@example.com")
    assert refused.value.errors[0] == ("KVOTA_SMTP_URL", refused.value.errors[0].message, None)


@pytest.mark.anyio
async def test_events_go_by_mail_to_each_address_in_the_company_s_language(meter: Meter, post: tuple[Post, str]):
    taker, url = post
    meter.engine.execute(c.PutCompany(company="acme", locale="ru"))
    addresses = ("ivan@example.com", "nobody@example.com")
    meter.store.put_notifications(Notifications(company="acme", mail=addresses))
    notices = meter.reads.notices
    worker = Worker(meter.store, notices, Outgoing(), Mailer(url, "kvota@example.com"), idle_seconds=0.02)
    notices.tell([told("package.threshold")])
    async with worker.live():
        rows = await settled(meter, 2)
    (came,) = taker.letters
    assert came["Subject"] == "Израсходовано 80 % пакета — Acme"
    found = {row.target: (row.status, row.problem) for row in rows}
    assert found["ivan@example.com"] == ("delivered", None)
    assert found["nobody@example.com"][0] == "failed"
    assert "no such mailbox" in (found["nobody@example.com"][1] or "")


@pytest.mark.anyio
async def test_without_a_mail_server_the_log_says_so(meter: Meter):
    meter.store.put_notifications(Notifications(company="acme", mail=("ivan@example.com",)))
    notices = meter.reads.notices
    notices.tell([told("appeal.made")])
    worker = Worker(meter.store, notices, Outgoing(), None, idle_seconds=0.02)
    async with worker.live():
        (row,) = await settled(meter, 1)
    assert (row.status, row.problem) == ("failed", NO_MAIL)
