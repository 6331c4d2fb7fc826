"""Signatures as Standard Webhooks has them (https://www.standardwebhooks.com)."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable


def signed_headers(message: str, at: int, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """The headers of a message that is sent at ``at`` (seconds), with a signature for each live secret."""
    content = f"{message}.{at}.".encode() + body
    signatures = [f"v1,{_signature(secret, content)}" for secret in secrets]
    return {"webhook-id": message, "webhook-timestamp": str(at), "webhook-signature": " ".join(signatures)}


def _signature(secret: str, content: bytes) -> str:
    key = b64decode(secret.removeprefix("whsec_"))
    return b64encode(hmac.digest(key, content, "sha256")).decode()
