"""Mail over SMTP, by the operator's server."""

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from kvota.errors import Invalid

SECONDS = 20.0
URL_RULE = "must be like smtps://user:password@mail.example.com:465, or smtp://… for STARTTLS"


class MailFailed(Exception):
    """A message was not accepted. ``is_final``: the same message would not be accepted later either."""

    def __init__(self, detail: str, *, is_final: bool = False) -> None:
        super().__init__(detail)
        self.detail, self.is_final = detail, is_final


class Mailer:
    """``smtps://``: TLS at once. ``smtp://``: STARTTLS where the server has it, and always before a password."""

    def __init__(self, url: str, sender: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise Invalid.field("KVOTA_SMTP_URL", URL_RULE) from None
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise Invalid.field("KVOTA_SMTP_URL", URL_RULE)
        self._is_tls, self._host = parts.scheme == "smtps", parts.hostname
        self._port = port or (465 if self._is_tls else 587)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self.sender = sender

    def send(self, message: EmailMessage) -> None:
        """Hand a message over; raises ``MailFailed``. Its sender is set here."""
        message["From"] = self.sender
        try:
            with self._connect() as line:
                line.send_message(message)
        except smtplib.SMTPRecipientsRefused as refused:
            code, said = next(iter(refused.recipients.values()))
            raise MailFailed(_said(code, said), is_final=code >= 550) from None  # noqa: PLR2004 - no such mailbox
        except smtplib.SMTPResponseException as refused:
            raise MailFailed(_said(refused.smtp_code, refused.smtp_error)) from None
        except (smtplib.SMTPException, OSError) as problem:
            raise MailFailed(f"the mail server did not take it: {problem or type(problem).__name__}") from None

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._is_tls:
            line = smtplib.SMTP_SSL(self._host, self._port, timeout=SECONDS, context=context)
        else:
            line = smtplib.SMTP(self._host, self._port, timeout=SECONDS)
        try:
            line.ehlo()
            if not self._is_tls and (self._user or line.has_extn("starttls")):
                line.starttls(context=context)
                line.ehlo()
            if self._user:
                line.login(self._user, self._password)
        except BaseException:
            line.close()
            raise
        return line


def _said(code: int, said: bytes | str) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return f"the mail server answered {code} {text[:200]}"
