"""Quantities, in both grammars."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests import units


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10Gi", 10737418240),
        ("1.5Gi", 1610612736),
        ("1500m", 2),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1E", 10**18),
        ("1Ei", 2**60),
        ("5", 5),
        (".5k", 500),
        ("5.", 5),
        ("100n", 1),
        ("-1500m", -2),
        ("+1k", 1000),
        ("0", 0),
        ("12e-1", 2),
    ],
)
def test_kubernetes_quantities_round_away_from_zero(text: str, value: int) -> None:
    assert units.parse_quantity(text) == value


@pytest.mark.parametrize(
    ("text", "milli"), [("500m", 500), ("1.5", 1500), ("2", 2000), ("100u", 1), ("1k", 10**6), ("0.0001", 1)]
)
def test_kubernetes_cpu(text: str, milli: int) -> None:
    assert units.parse_cpu_milli(text) == milli


@pytest.mark.parametrize(
    "text", ["", "Gi", "1 Gi", "1gi", "1KB", "0x10", "1_0", "inf", "1e", "1e9999", "--1", "1.2.3", "9" * 2000]
)
def test_no_kubernetes_quantity(text: str) -> None:
    with pytest.raises(ValueError):
        units.parse_quantity(text)


@given(st.integers(-(2**63), 2**63))
def test_formats_read_back(number: int) -> None:
    assert units.parse_quantity(units.format_bytes(number)) == number
    assert units.parse_quantity(units.format_count(number)) == number
    assert units.parse_cpu_milli(units.format_cpu_milli(number)) == number


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (units.format_bytes(10 << 30), "10Gi"),
        (units.format_bytes(1000), "1000"),
        (units.format_bytes(0), "0"),
        (units.format_count(10**9), "1G"),
        (units.format_count(536870912), "536870912"),
        (units.format_cpu_milli(500), "500m"),
        (units.format_cpu_milli(2000), "2"),
        (units.shown_bytes(1610612736), "1.5 GiB"),
        (units.shown_bytes(512), "512 B"),
        (units.shown_bytes(2 << 40), "2 TiB"),
    ],
)
def test_formats(shown: str, text: str) -> None:
    assert shown == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1k", 1000),
        ("1Ki", 1024),
        ("1P", 10**15),
        ("1Pi", 2**50),
        ("1E", 10**18),
        ("1Ei", 2**60),
        ("0x1p4", 16),
        ("3.3Gi", 3543348019),
    ],
)
def test_sdl_sizes(text: str, value: int) -> None:
    assert units.sdl_bytes(text) == value


@pytest.mark.parametrize(
    "text", ["", "Gi", "nan", "inf", "1__0", "_1", "1_", "1_.5", "0x10", "0x1p99999", "-1", "1e400", "1e308Ei", "1K"]
)
def test_no_sdl_sizes(text: str) -> None:
    with pytest.raises(ValueError):
        units.sdl_bytes(text)


@given(st.text(max_size=12) | st.from_regex(r"[-+]?[0-9_.eExp]{0,10}(m|Gi|k)?", fullmatch=True))
def test_parsers_answer_or_raise_value_error(text: str) -> None:
    for parse in (
        units.sdl_bytes,
        units.sdl_cpu_milli,
        units.sdl_gpu_units,
        units.sdl_gpu_ram_bytes,
        units.parse_quantity,
        units.parse_cpu_milli,
    ):
        with contextlib.suppress(ValueError):
            assert isinstance(parse(text), int)
