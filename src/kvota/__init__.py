"""Kvota: an exact meter for AI requests. ``Kvota.open(…)`` is the library, ``kvota serve`` the server."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvota.library import Kvota
    from kvota.wire.replies import Balance, Boost, Charge, Hold, PlanChange, Quote, Refund
    from kvota.wire.replies import Decline as Declined

__all__ = ["Balance", "Boost", "Charge", "Declined", "Hold", "Kvota", "PlanChange", "Quote", "Refund"]


def __getattr__(name: str) -> object:
    """Import the library with its first use: the command line answers ``--help`` without it."""
    if name == "Kvota":
        return import_module("kvota.library").Kvota
    if name in __all__:
        return getattr(import_module("kvota.wire.replies"), "Decline" if name == "Declined" else name)
    raise AttributeError(name)
