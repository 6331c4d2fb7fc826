"""Bitrix24: a custom AI provider and a portal app, so that a portal's CoPilot is metered by itself.

A request becomes a job in the store, and 202 is answered; workers of any process carry it to the AI service and its
answer to the portal's callback. docs/bitrix24.md tells what a portal says and what it does not.
"""

from kvota.bitrix24.opening import open_bitrix24

__all__ = ["open_bitrix24"]
