"""The OpenAI-compatible door at ``/openai/v1``: every call is held, passed on, and charged before its first byte."""

from kvota.gateway.app import Gateway

__all__ = ["Gateway"]
