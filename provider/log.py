"""Logging: structlog, JSON unless a terminal is watching. Events are short phrases; values are fields, never an
f-string."""

from __future__ import annotations

import logging
import sys
from typing import Literal, TextIO

import structlog


def configure(
    how: Literal["auto", "json", "console"] = "auto", *, level: str = "info", stream: TextIO | None = None
) -> None:
    """Set up once, at the start of a command. Logs go to standard error: standard output belongs to results."""
    out = stream or sys.stderr
    console = how == "console" or (how == "auto" and out.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if not console else structlog.processors.StackInfoRenderer(),
            structlog.dev.ConsoleRenderer(colors=out.isatty()) if console else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
