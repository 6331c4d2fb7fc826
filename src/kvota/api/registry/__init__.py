"""The registry: every call of the API, once. Routes, ``/openapi.json`` and ``/docs`` are made from it."""

from kvota.api.registry.administration import administration
from kvota.api.registry.companies import companies, standing
from kvota.api.registry.funds import funds
from kvota.api.registry.notices import notices
from kvota.api.registry.operation import Operation
from kvota.api.registry.people import appeals, people
from kvota.api.registry.reports import reports
from kvota.api.registry.service import service
from kvota.api.registry.usage import charges, holds

__all__ = ["Operation", "operations"]


def operations() -> list[Operation]:
    """All calls, in the order in which they are shown."""
    return [
        *charges(), *holds(), *companies(), *standing(), *funds(), *reports(), *people(), *appeals(),
        *administration(), *notices(), *service(),
    ]  # fmt: skip
