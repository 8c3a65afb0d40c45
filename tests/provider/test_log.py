"""Logs go to the stream given, as JSON lines unless asked otherwise, with the context of the key being handled."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from provider import log


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_json_lines_carry_the_context() -> None:
    out = io.StringIO()
    log.configure("json", stream=out)
    with structlog.contextvars.bound_contextvars(order="a/1/1/1"):
        structlog.get_logger().info("bid placed", price="1uact")
    line = json.loads(out.getvalue())
    assert (line["event"], line["order"], line["price"], line["level"]) == ("bid placed", "a/1/1/1", "1uact", "info")


def test_a_file_gets_json_and_debug_is_left_out() -> None:
    out = io.StringIO()
    log.configure("auto", stream=out)
    structlog.get_logger().debug("too much")
    structlog.get_logger().warning("odd")
    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["odd"]


def test_console_lines_are_for_people() -> None:
    out = io.StringIO()
    log.configure("console", stream=out)
    structlog.get_logger().info("bid placed")
    assert "bid placed" in out.getvalue()
    assert not out.getvalue().startswith("{")
