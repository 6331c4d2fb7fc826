"""The statements of the outbox, for both databases."""

from kvota.stores.dialect import Lookup

LATEST = "dlv~"
"""Comes after every delivery's id."""
NOW = "SELECT $now"
ONCE = " ON CONFLICT (company, period, kind, topic) DO NOTHING"

NOTIFICATIONS = "SELECT $notifications FROM notifications t WHERE t.company = ?"
LEVELS_CHANGED = """
INSERT INTO meta (name, value) VALUES ('levels_version', '1')
ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(meta.value AS bigint) + 1 AS text)
"""
WEBHOOKS = "SELECT $webhooks FROM webhooks t WHERE t.company = ? ORDER BY t.id"
ADD_WEBHOOK = """
INSERT INTO webhooks (company, id, url, created_at, generation) VALUES (?, ?, ?, $now, 1) RETURNING $bare_webhooks
"""
ROTATE_WEBHOOK = """
UPDATE webhooks SET generation = generation + 1, rotated_at = $now WHERE company = ? AND id = ?
RETURNING $bare_webhooks
"""
REMOVE_WEBHOOK = "DELETE FROM webhooks WHERE company = ? AND id = ? RETURNING 1"
GIVE_UP_WEBHOOK = """
UPDATE deliveries
SET status = 'failed', next_at = NULL, lease = NULL, finished_at = $now, problem = 'the webhook was removed'
WHERE company = ? AND channel = 'webhook' AND target = ? AND status = 'waiting'
"""

TOLD = Lookup("$outbox", "outbox", "t.company = w.value->>0 AND t.at >= CAST(w.value->>1 AS bigint)")
EVENTS = Lookup("$outbox", "outbox", "t.company = w.value->>0 AND t.id = w.value->>1")
SET = Lookup("$notifications", "notifications", "t.company = w.value->>0")
HOOKS = Lookup("$webhooks", "webhooks", "t.company = w.value->>0")
NAMES = Lookup("t.company, t.locale, t.name", "accounts", "t.company = w.value->>0")

DELIVERIES = "SELECT $deliveries FROM deliveries t WHERE t.company = ? AND t.id < ? ORDER BY t.id DESC LIMIT ?"
RESEND = """
UPDATE deliveries SET status = 'waiting', next_at = $now, lease = NULL, finished_at = NULL, attempts = 0
WHERE company = ? AND id = ? RETURNING $bare_deliveries
"""
HAS_WORK = """
SELECT EXISTS (SELECT 1 FROM outbox WHERE NOT is_spread)
    OR EXISTS (SELECT 1 FROM deliveries WHERE status = 'waiting' AND next_at <= $now)
"""
TAKE_EVENTS = """
UPDATE outbox SET is_spread = true WHERE (company, id) IN (
    SELECT company, id FROM outbox WHERE NOT is_spread LIMIT ? $skip_locked
) RETURNING $bare_outbox
"""
TAKE = """
UPDATE deliveries SET lease = ?, next_at = $now + ?, attempts = attempts + 1 WHERE (company, id) IN (
    SELECT company, id FROM deliveries WHERE status = 'waiting' AND next_at <= $now
    ORDER BY next_at LIMIT ? $skip_locked
) RETURNING $bare_deliveries
"""
_MINE = "WHERE company = ? AND id = ? AND lease = ? AND status = 'waiting' RETURNING 1"
DELIVERED = f"""
UPDATE deliveries
SET status = 'delivered', next_at = NULL, lease = NULL, finished_at = $now, answer = ?, problem = NULL
{_MINE}
"""  # noqa: S608 - ours
FAILED = f"""
UPDATE deliveries SET status = 'failed', next_at = NULL, lease = NULL, finished_at = $now, answer = ?, problem = ?
{_MINE}
"""  # noqa: S608 - ours
WAITING = f"UPDATE deliveries SET next_at = $now + ?, lease = NULL, answer = ?, problem = ? {_MINE}"  # noqa: S608 - ours
WELL = """
UPDATE webhooks SET failing_since = NULL, disabled_at = NULL, disabled_because = NULL
WHERE company = ? AND id = ? AND failing_since IS NOT NULL
"""
UNWELL = "UPDATE webhooks SET failing_since = $now WHERE company = ? AND id = ? AND failing_since IS NULL"
DISABLE = """
UPDATE webhooks SET disabled_at = $now, disabled_because = ?
WHERE company = ? AND id = ? AND disabled_at IS NULL AND failing_since <= $now - ?
"""

LEASE = """
INSERT INTO leases (name, until, cursor) VALUES (?, $now + ?, '')
ON CONFLICT (name) DO UPDATE SET until = excluded.until WHERE leases.until <= $now RETURNING cursor
"""
HAND_BACK = "UPDATE leases SET until = $now + ?, cursor = ? WHERE name = ?"
EXPIRING = """
SELECT t.company, t.id, t.amount - t.used - t.held, t.expires_at FROM boosts t
WHERE t.has_left AND t.status = 'live' AND t.expires_at < ? AND NOT EXISTS (
    SELECT 1 FROM outbox o WHERE o.company = t.company AND o.period = 0 AND o.kind = 'boost.expires' AND o.topic = t.id
)
ORDER BY t.company, t.expires_at, t.id
"""
SPENT = Lookup(
    "t.company, (t.quarter - CAST(w.value->>1 AS bigint)) / CAST(w.value->>2 AS bigint), "
    "CAST(sum(t.requests - t.refunded) AS bigint)",
    "statistics",
    "t.company = w.value->>0 AND t.quarter >= CAST(w.value->>1 AS bigint)",
)
FORGET_DELIVERIES = "DELETE FROM deliveries WHERE made_at < ? AND status <> 'waiting'"
FORGET_EVENTS = """
DELETE FROM outbox WHERE at < ? AND is_spread AND NOT EXISTS (
    SELECT 1 FROM deliveries d WHERE d.company = outbox.company AND d.event = outbox.id
)
"""
