"""Defects of our own, told to whoever runs the server."""

import traceback

import structlog


def log_defect(operation: str, error: Exception) -> None:
    """Log what nobody foresaw: where it happened, but none of the values there, among which may be a secret."""
    trace = "".join(traceback.format_exception(error))
    structlog.get_logger("kvota.api").error("defect", operation=operation, trace=trace)
