"""What operators did, as JSON."""

from typing import Any

from msgspec import UNSET, UnsetType

from kvota.acts import Act as Done
from kvota.core.periods import instant
from kvota.wire.fields import Id, Instant
from kvota.wire.queries import PageQuery
from kvota.wire.replies import Reply


class ActsQuery(PageQuery, frozen=True, kw_only=True):
    company: Id | UnsetType = UNSET


class Act(Reply, frozen=True, kw_only=True):
    """``act`` is the name of a call; ``by`` an API key or a sign-in, empty for who has the store itself.

    ``told``: with what it was done.
    """

    id: str
    at: Instant
    by: str
    company: str | None
    act: str
    told: dict[str, Any]


def act(row: Done) -> Act:
    """An act as it is shown."""
    return Act(id=row.id, at=instant(row.at), by=row.by, company=row.company, act=row.act, told=dict(row.told))
