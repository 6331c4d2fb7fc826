"""The sandbox, and what anybody may ask."""

from kvota.api import routes_admin, routes_open
from kvota.api.registry.operation import OPERATOR, Operation, operation
from kvota.wire import replies, requests


def service() -> list[Operation]:
    """The sandbox's clock, health, metrics and the description of it all."""
    return [
        operation(
            "get_clock", OPERATOR, "GET /v1/sandbox/clock", "The sandbox's clock",
            routes_admin.get_clock, tag="Sandbox", reply=replies.Clock, codes=("not_found",),
        ),
        operation(
            "set_clock", OPERATOR, "PUT /v1/sandbox/clock", "Set the sandbox's clock",
            routes_admin.set_clock, tag="Sandbox", body=requests.ClockRequest, reply=replies.Clock,
            codes=("not_found",),
        ),
        operation("healthz", None, "GET /healthz", "Whether the process runs", routes_open.healthz, tag="Service"),
        operation("readyz", None, "GET /readyz", "Whether it can carry calls out", routes_open.readyz, tag="Service"),
        operation("metrics", None, "GET /metrics", "Metrics for Prometheus", routes_open.metrics, tag="Service"),
        operation("openapi", None, "GET /openapi.json", "This API as OpenAPI 3.1", routes_open.openapi, tag="Service"),
        operation("docs", None, "GET /docs", "This API as a page", routes_open.docs, tag="Service"),
    ]  # fmt: skip
