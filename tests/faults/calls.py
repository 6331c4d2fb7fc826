"""What callers ask for, and what they were told."""

import json
from dataclasses import dataclass, field
from typing import Any

UNAVAILABLE = 503
REFUSALS = ("busy", "store_unavailable")
CLOSINGS = ("capture", "void")


@dataclass(slots=True, kw_only=True)
class Call:
    """One thing that a caller wants. Its user is its name, so each entry of the ledger tells whose it is."""

    name: str
    kind: str
    company: str
    path: str
    body: dict[str, Any]
    key: str | None
    reply: dict[str, Any] | None = None
    """The first 2xx, or the 409 of a hold that had expired."""
    is_closed: bool = False
    tries: int = 0
    refused: int = 0
    cut: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def is_acknowledged(self) -> bool:
        """Whether the caller was told that it is done."""
        return self.reply is not None and not self.is_closed

    def hear(self, status: int, headers: dict[str, str], body: Any) -> bool:
        """Take in an answer; True where it ends the call."""
        if status in (200, 201):
            self._take(body)
            return True
        if status == UNAVAILABLE:
            self.refused += 1
            self._judge(headers, body)
            return False
        if status == 409 and self.kind in CLOSINGS and body.get("code") == "hold_closed":
            self.reply, self.is_closed = body, True
            return True
        self.wrong.append(f"{self.name} ({self.kind}) got {status}: {json.dumps(body)[:300]}")
        return True

    def _take(self, body: dict[str, Any]) -> None:
        if self.reply is not None and self.reply != body:
            self.wrong.append(f"{self.name} ({self.kind}) was repeated and got another reply: {self.reply} {body}")
        self.reply = body

    def _judge(self, headers: dict[str, str], body: Any) -> None:
        """A 503 has to be a problem that says what to do."""
        is_problem = headers.get("content-type", "").startswith("application/problem+json")
        is_clear = is_problem and body.get("code") in REFUSALS and body.get("detail") and body.get("status") == 503
        if not is_clear or not headers.get("retry-after", "").isdigit():
            self.wrong.append(f"{self.name} got a 503 that is not clear: {headers} {json.dumps(body)[:300]}")
