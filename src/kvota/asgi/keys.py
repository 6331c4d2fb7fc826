"""Making an API key: what both the API and the pages ask for."""

from collections.abc import Sequence

from kvota.asgi.auth import MEMBER
from kvota.asgi.services import Services
from kvota.errors import Invalid, UnknownAction
from kvota.store import ApiKey
from kvota.wire.requests import KeyRequest


async def make_key(
    services: Services, company: str, body: KeyRequest, bound: Sequence[str] | None, operator: str | None
) -> tuple[ApiKey, str]:
    """Make it; its secret is told this once. ``bound``: the actions that the key of who asks is bound to.

    ``operator``: the key or the sign-in of an operator, whose act it is.
    """
    if (body.role == MEMBER) != (body.user is not None):
        rule = "is needed: a member's key is one person's" if body.user is None else "belongs to a member's key only"
        raise Invalid.field("user", rule, body.user)
    reads = services.reads
    if body.actions is not None:
        known = (await services.read(reads.catalogue)).actions
        for action in body.actions:
            if action not in known:
                rule = "is not an action of the catalogue; GET /v1/catalogue lists them"
                raise UnknownAction.field("actions", rule, action)
    if bound is not None and not (body.actions and set(body.actions) <= set(bound)):
        rule = f"must be among the actions that your own key is bound to: {', '.join(bound)}"
        raise Invalid.field("actions", rule, None if body.actions is None else list(body.actions))
    return await services.read(
        reads.make_key,
        role=body.role,
        company=company,
        user=body.user,
        label=body.label,
        actions=None if body.actions is None else tuple(dict.fromkeys(body.actions)),
        operator=operator,
    )
