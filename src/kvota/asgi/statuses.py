"""What went wrong → its HTTP status: the only place that says so; and when a declined call may come again."""

import math

from kvota.core.declines import Declined
from kvota.core.periods import SECOND

STATUS: dict[str, int] = {
    "malformed": 400,
    "unauthenticated": 401,
    "insufficient_requests": 402,
    "forbidden": 403,
    "company_suspended": 403,
    "tool_disabled": 403,
    "action_not_in_plan": 403,
    "user_required": 403,
    "company_not_found": 404,
    "hold_not_found": 404,
    "charge_not_found": 404,
    "not_found": 404,
    "method_not_allowed": 405,
    "hold_closed": 409,
    "order_closed": 409,
    "appeal_closed": 409,
    "body_too_large": 413,
    "invalid": 422,
    "unknown_action": 422,
    "unknown_plan": 422,
    "unknown_boost": 422,
    "quantity_missing": 422,
    "idempotency_key_reused": 422,
    "too_many_attempts": 429,
    "hourly_limit": 429,
    "cap_reached": 429,
    "internal": 500,
    "busy": 503,
    "store_unavailable": 503,
}
"""``code`` → status. ``method_not_allowed`` and ``internal`` are HTTP's own, beside those of the contract."""
TOO_MANY = 429


def needs_clock(row: Declined) -> bool:
    """Whether the reply to this decline tells when to come again."""
    return STATUS[row.reason] == TOO_MANY and row.retry_at is not None


def retry_after(row: Declined, now: int | None) -> tuple[tuple[bytes, bytes], ...]:
    """The header that tells when to come again, for those that need the store's clock; None leaves it out."""
    if row.retry_at is None or now is None or not needs_clock(row):
        return ()
    return ((b"retry-after", b"%d" % max(1, math.ceil((row.retry_at - now) / SECOND))),)
