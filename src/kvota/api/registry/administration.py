"""What an administrator sets, caps and keys; and what operators did."""

from kvota.api import routes_acts, routes_admin
from kvota.api.registry.operation import ADMINS, COMPANY, OPERATOR, SEERS, Operation, operation
from kvota.wire import acts, queries, replies, requests


def administration() -> list[Operation]:
    """Caps and keys."""
    return [
        operation(
            "set_cap", ADMINS, f"PUT {COMPANY}/caps/{{cap}}", "Set a cap, or change it",
            routes_admin.set_cap, 200, 201, tag="Caps and keys", body=requests.CapRequest, reply=replies.Cap,
        ),
        operation(
            "list_caps", SEERS, f"GET {COMPANY}/caps", "All caps, by id",
            routes_admin.list_caps, tag="Caps and keys", reply=replies.Page[replies.Cap],
        ),
        operation(
            "remove_cap", ADMINS, f"DELETE {COMPANY}/caps/{{cap}}", "Remove a cap",
            routes_admin.remove_cap, 204, tag="Caps and keys", codes=("not_found",),
        ),
        operation(
            "make_key", ADMINS, f"POST {COMPANY}/keys", "Make an API key; the key itself is shown this once",
            routes_admin.make_key, 201, tag="Caps and keys", body=requests.KeyRequest, reply=replies.NewApiKey,
            codes=("unknown_action",),
        ),
        operation(
            "list_keys", SEERS, f"GET {COMPANY}/keys", "A page of the keys in force, by id",
            routes_admin.list_keys, tag="Caps and keys", query=queries.PageQuery,
            reply=replies.Page[replies.ApiKey],
        ),
        operation(
            "revoke_key", ADMINS, f"DELETE {COMPANY}/keys/{{key}}", "Revoke an API key",
            routes_admin.revoke_key, 204, tag="Caps and keys", codes=("not_found",),
        ),
        operation(
            "list_acts", OPERATOR, "GET /v1/acts", "A page of what operators did, newest first",
            routes_acts.list_acts, tag="Audit", query=acts.ActsQuery, reply=replies.Page[acts.Act],
        ),
    ]  # fmt: skip
