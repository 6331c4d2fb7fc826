"""``Client`` and ``AsyncClient``: the methods of the library, carried out by a server."""

from kvota.client.asynchronous import AsyncClient
from kvota.client.patience import Patience
from kvota.client.synchronous import Client
from kvota.wire.requests import CaptureOperation, ChargeOperation, HoldOperation, VoidOperation

__all__ = [
    "AsyncClient",
    "CaptureOperation",
    "ChargeOperation",
    "Client",
    "HoldOperation",
    "Patience",
    "VoidOperation",
]
