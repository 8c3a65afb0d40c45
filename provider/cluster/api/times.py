"""Kubernetes' times as whole seconds. Pure."""

from __future__ import annotations

from datetime import datetime


def unix_s(text: str | None) -> int:
    """Of an RFC 3339 time as the API server writes it, with or without a fraction; 0 for none and for what is no
    time."""
    try:
        return int(datetime.fromisoformat(text).timestamp()) if text else 0
    except ValueError:
        return 0
