"""A small catalogue written down here, and words to use it with, for the tests of the reference."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.model.reference import Reference

CATALOGUE: dict[str, Any] = {
    "policy": {"funds": "allowance_first", "hourly_limit": 600},
    "plans": {
        "tiny": {"allowance": 10},
        "small": {"allowance": 100},
        "large": {"allowance": 1000},
        "textual": {"allowance": 50, "actions": ["chat_question"], "user_daily_cap": 5},
    },
    "tools": {"chat": {}, "crm": {}, "follow_up": {}, "sites": {}},
    "actions": {
        "chat_question": {"tool": "chat", "base": 1},
        "processing": {
            "tool": "crm",
            "stages": {"transcription": 1, "summary": 1, "field_filling": 1},
            "once_per_subject": ["transcription"],
        },
        "analytics": {
            "tool": "crm",
            "stages": {"transcription": 1, "assessment": 1},
            "once_per_subject": ["transcription"],
        },
        "follow_up": {
            "tool": "follow_up",
            "stages": {"transcription": 6, "overview": 1, "insights": 1, "summary": 1, "evaluation": 1},
            "free_when": {"participants": {"at_least": 4}},
        },
        "site": {"tool": "sites", "base": 3, "per": {"images": 1}, "min": 5, "max": 25},
        "block": {"tool": "sites", "base": 1, "per": {"images": 1}, "min": 2},
    },
}


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text + ("" if "T" in text else "T00:00") + "+00:00").timestamp() * 1000)


def use(action: str, images: int | None = None, participants: int | None = None, **rest: Any) -> dict[str, Any]:
    given = {"images": images, "participants": participants}
    return {"action": action, "quantities": {name: n for name, n in given.items() if n is not None}, **rest}


def company(plan: str, now: int, zone: str = "UTC", **policy: Any) -> Reference:
    return Reference({**CATALOGUE, "policy": {**CATALOGUE["policy"], **policy}}, plan, zone, now)


def funds(reply: dict[str, Any]) -> tuple[int, list[tuple[str, int]]]:
    return reply["paid_by"]["allowance"], list(reply["paid_by"]["boosts"].items())


def spend(acme: Reference, now: int, amount: int) -> None:
    for _ in range(amount):
        assert acme.charge(now, use("chat_question"))["approved"]


CHAT, CRM, SITE = use("chat_question"), use("processing"), use("site")
