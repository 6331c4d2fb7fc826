"""What the types of bodies and queries cannot say, for the OpenAPI document.

What their schemas leave open, and why a request that fits its schema can be ``invalid`` all the same.
``SCHEMAS`` and ``QUERIES`` are laid over the schemas that msgspec makes. ``REFUSALS`` are the messages of ``invalid``
beyond them, by operation, as ``field: message``, with ``…`` for what differs from call to call.
"""

from typing import Any, cast

from kvota.core.decisions.company import LOCALES
from kvota.core.entries import KINDS
from kvota.wire.queries import BY

Json = dict[str, Any]

DATE = r"(19[7-9][0-9]|20[0-9]{2})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,3}0{0,6})?"
OFFSET = r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
INSTANT: Json = {
    "type": "string",
    "format": "date-time",
    "pattern": f"^{DATE}[Tt]{TIME}{OFFSET}$",
    "examples": ["2026-11-01T00:00:00.000Z"],
}
_DATE: Json = {"format": "date", "pattern": f"^{DATE}$", "examples": ["2026-11-01"]}
_MOMENT: Json = {"pattern": f"^{DATE}([Tt]{TIME}{OFFSET})?$", "examples": ["2026-11-01", "2026-11-01T00:00:00Z"]}
_ABSENT: Json = {"type": "null"}


def _one_of(*names: str) -> Json:
    """Exactly one of the names is there and is not null."""
    return {"oneOf": [{"required": [name], "properties": {name: {"not": _ABSENT}}} for name in names]}


SCHEMAS: dict[str, Json] = {
    "AdjustmentRequest": {"properties": {"amount": {"not": {"const": 0}}}},
    "BoostRequest": {
        "oneOf": [
            {
                "required": ["boost"],
                "properties": {"boost": {"not": _ABSENT}, "amount": _ABSENT, "expires_at": _ABSENT},
            },
            {
                "required": ["amount", "expires_at"],
                "properties": {"boost": _ABSENT, "amount": {"not": _ABSENT}, "expires_at": {"not": _ABSENT}},
            },
        ]
    },
    "CompanyRequest": {"properties": {"locale": {"enum": [*LOCALES, None]}}},
    "GrantRequest": _one_of("cap_change", "boost"),
    "KeyRequest": {
        "oneOf": [
            {"properties": {"role": {"const": "member"}, "user": {"not": _ABSENT}}, "required": ["user"]},
            {"properties": {"role": {"not": {"const": "member"}}, "user": _ABSENT}},
        ]
    },
    "ScopeRequest": _one_of("user", "users", "department", "tool"),
}
_ENTRIES: dict[str, Json] = {"kind": {"enum": list(KINDS)}, "from": _MOMENT, "to": _MOMENT}
_STATISTICS_QUERY: dict[str, Json] = {
    "from": _DATE,
    "to": _DATE,
    "without": {"enum": ["user", "department", "user,department", "department,user"]},
}
QUERIES: dict[str, dict[str, Json]] = {
    "EntriesQuery": _ENTRIES,
    "ExportQuery": _ENTRIES,
    "CountedQuery": _STATISTICS_QUERY,
    "StatisticsQuery": _STATISTICS_QUERY,
    "UsageQuery": {
        "from": _DATE,
        "to": _DATE,
        "by": {"pattern": f"^({'|'.join(BY)})(,({'|'.join(BY)}))*$", "examples": ["day,tool"]},
    },
}

_INSTANT_TAKEN = "…: must be an instant of RFC 3339 with its offset, …"
_WHOLE = "…: must be a whole number …"
"""JSON Schema holds 2.0 for a whole number; here it is written 2."""
_NAMES = "…: is not a known field; …"
_PRICING = (
    "quantities.…: is not a quantity of …; it knows: …",
    "stages: … cannot be charged stage by stage",
    "stages: … has the stages …",
    "stages: must name at least one stage, each once",
)
_SETTINGS = (
    ": A new company needs …",
    "…: is needed to create a company",
    "time_zone: must be an IANA zone such as Europe/Moscow",
    "tools_off: must name tools among …",
)
_PERIOD = ("to: must be after from…", "…: must be a date such as 2026-11-01, …")
_STATISTICS = (
    *_PERIOD,
    "to: must be at most … days after from",
    "without: must be user, department or both with a comma between them",
    "…: cannot be named together with without=…",
)
REFUSALS: dict[str, tuple[str, ...]] = {
    "quote": _PRICING,
    "charge": _PRICING,
    "hold": (*_PRICING, ": … has … open holds, and no more can be: …"),
    "capture": _PRICING[:1],
    "put_company": _SETTINGS,
    "patch_company": _SETTINGS,
    "add_boost": ("expires_at: must be an instant after …", ": … has … live boosts, and no more can be: …"),
    "confirm_order": (": … has … live boosts, and no more can be: …",),
    "set_cap": (
        "cap: 'plan' is the name of the plan's own cap: choose another id",
        "until: must be an instant after …",
        "scope.tool: must be one of …",
        ": … has … caps, and no more can be: …",
    ),
    "make_webhook": (
        "url: … is no URL; …",
        "url: the URL must …",
        "url: … is the private address …, which no call may go to",
        ": … has … webhooks, and no more can be: …",
    ),
    "make_appeal": ("user: is needed: an appeal is one person's",),
    "grant_appeal": (
        ": must name exactly one of cap_change and boost",
        "until: must be an instant after …",
        ": … has … caps, and no more can be: …",
    ),
    "make_key": ("actions: must be among the actions that your own key is bound to: …",),
    "list_entries": _PERIOD,
    "entries_csv": _PERIOD,
    "entries_xlsx": _PERIOD,
    "get_statistics": _STATISTICS,
    "list_counted": _STATISTICS,
    "get_usage": (*_PERIOD, "to: must be at most … days after from", "by: must be a list of …, each once"),
}
EVERYWHERE = (_INSTANT_TAKEN, _WHOLE, _NAMES)
"""What any body can be refused for although its schema, as JSON Schema reads it, allows it."""


def refused(operation: str) -> list[str]:
    """Every message of ``invalid`` that a request of this operation can meet although it fits its schema."""
    return [*REFUSALS.get(operation, ()), *EVERYWHERE]


def laid_over(schema: Json, more: Json) -> Json:
    """The schema with more said: what both have as objects is merged, the rest is added."""
    merged = dict(schema)
    for name, value in more.items():
        present = merged.get(name)
        is_deeper = isinstance(present, dict) and isinstance(value, dict)
        merged[name] = laid_over(cast("Json", present), cast("Json", value)) if is_deeper else value
    return merged
