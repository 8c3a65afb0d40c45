"""The price file is re-read when it changes; a broken one never replaces prices that work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provider.errors import ConfigError
from provider.market.prices import Prices

GOOD = "currency: uact\nusdPerMonth: {cpu: 1.60, memoryGiB: 0.80, storageGiB: {ephemeral: 0.02}, gpu: {}}\n"


def write(path: Path, text: str, stamp: int) -> None:
    path.write_text(text)
    os.utime(path, ns=(stamp, stamp))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write(tmp_path / "prices.yaml", GOOD, 1)
    return tmp_path / "prices.yaml"


def test_a_changed_file_is_taken_over(file: Path) -> None:
    prices = Prices(file)
    assert not prices.look()
    write(file, GOOD.replace("1.60", "2.00"), 2)
    assert prices.look()
    assert prices.current.cpu_usd_e18 == 2 * 10**18
    assert not prices.look()


def test_the_same_prices_written_again_are_no_change(file: Path) -> None:
    prices = Prices(file)
    write(file, GOOD + "# a comment\n", 2)
    assert not prices.look()


@pytest.mark.parametrize(
    "text", ["usdPerMonth: [", "currency: uact\ncpuu: 1\n", ""], ids=["no yaml", "unknown key", "empty"]
)
def test_a_broken_file_leaves_the_old_prices(file: Path, text: str) -> None:
    prices = Prices(file)
    before = prices.current
    write(file, text, 2)
    assert not prices.look()
    assert prices.current == before
    write(file, GOOD.replace("0.80", "0.90"), 3)
    assert prices.look(), "and once mended it counts"


def test_a_file_that_vanishes_leaves_the_old_prices(file: Path) -> None:
    prices = Prices(file)
    file.unlink()
    assert not prices.look()
    assert prices.current.cpu_usd_e18 == 16 * 10**17


def test_without_prices_the_daemon_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: the price file cannot be read"):
        Prices(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("currency: uact\nusdPerMonth: {cpu: much}\n")
    with pytest.raises(ConfigError, match=r"bad\.yaml: usdPerMonth"):
        Prices(tmp_path / "bad.yaml")
