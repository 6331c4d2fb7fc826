"""The HTTP door: it translates requests into commands and outcomes into replies, and decides nothing."""

from kvota.api.app import App, build_app

__all__ = ["App", "build_app"]
