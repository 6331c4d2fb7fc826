"""The dashboard: pages, their texts in both languages, and what they look like. ``Web`` is its door."""

from kvota.web.app import Web

__all__ = ["Web"]
