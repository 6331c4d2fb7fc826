"""The product's replies as plain dicts of the reference's shape, to be compared field by field."""

from __future__ import annotations

from kvota.core.account import Boost, Draws
from kvota.core.balance import Balance
from kvota.core.declines import Declined
from tests.model.records import Reply


def paid_by(draws: Draws) -> Reply:
    boosts: dict[str, int] = {}
    for source, amount in draws:
        if source.startswith("bst_"):
            boosts[source] = boosts.get(source, 0) + amount
    return {"allowance": sum(n for source, n in draws if not source.startswith("bst_")), "boosts": boosts}


def in_order(reply: Reply) -> Reply:
    """Who paid, with the order of the boosts made to count."""
    return {"allowance": reply["allowance"], "boosts": list(reply["boosts"].items())}


def decline(declined: Declined) -> Reply:
    return {
        "approved": False,
        "reason": declined.reason,
        "cost": declined.cost,
        "available": declined.available,
        "short_by": declined.short_by,
        "cap": declined.cap,
        "renews_at": declined.renews_at,
    }


def _boost(boost: Boost) -> Reply:
    return {
        "id": boost.id,
        "amount": boost.amount,
        "used": boost.used,
        "held": boost.held,
        "remaining": boost.left,
        "added_at": boost.added_at,
        "expires_at": boost.expires_at,
    }


def balance(shown: Balance) -> Reply:
    allowance, hourly = shown.allowance, shown.hourly
    return {
        "at": shown.at,
        "plan": shown.plan,
        "scheduled_plan": shown.scheduled_plan,
        "available": shown.available,
        "period": {"start": shown.period_start, "end": shown.period_end, "time_zone": shown.time_zone},
        "renews_at": shown.period_end,
        "allowance": {name: getattr(allowance, name) for name in ("granted", "used", "held", "remaining", "status")},
        "boosts": {
            "remaining": shown.boosts_remaining,
            "held": shown.boosts_held,
            "items": [_boost(boost) for boost in shown.boosts],
        },
        "hourly": hourly and {n: getattr(hourly, n) for n in ("limit", "used", "remaining", "next_slot_at")},
    }
