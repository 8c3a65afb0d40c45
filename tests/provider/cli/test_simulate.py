"""`akp simulate`: two price files over the orders of a ledger."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PRICES = (
    "currency: uact\nusdPerMonth: {{cpu: {cpu}, memoryGiB: 0, storageGiB: {{ephemeral: 0}}, gpu: {{'*': {gpu}}}}}\n"
)


@pytest.fixture
def files(akp: Callable[..., Any], decided: Path, tmp_path: Path) -> tuple[str, ...]:
    """Orders: 9 H100, never to be had; 2 H100 and 16 cores, a rival took them at 9 uact a block; one core, ours at 12;
    one core, unanswered. A month has 438,300 blocks: 12 uact a block is 5.2596 dollars a month."""
    akp("orders", "record", "--out", tmp_path / "o.jsonl", "--data", decided)
    (tmp_path / "cheap.yaml").write_text(PRICES.format(cpu="0.1", gpu="1"))
    (tmp_path / "dear.yaml").write_text(PRICES.format(cpu="1", gpu="10"))
    (tmp_path / "n.yaml").write_text(
        "nodes: [{name: n, cpu: 64, memory: 256Gi, ephemeral: 1Ti, gpus: {nvidia/h100: 8}}]\n"
    )
    cheap, dear = (str(tmp_path / name) for name in ("cheap.yaml", "dear.yaml"))
    return (
        "--orders",
        str(tmp_path / "o.jsonl"),
        "--prices",
        cheap,
        "--prices",
        dear,
        "--nodes",
        str(tmp_path / "n.yaml"),
    )


def test_side_by_side(akp: Callable[..., Any], files: tuple[str, ...]) -> None:
    said = akp("simulate", *files, "-o", "json")
    assert said.code == 0
    cheap, dear = json.loads(said.out)
    assert cheap["prices"].endswith("cheap.yaml")
    assert cheap["outcomes"] == {"lost.unknown": 1, "skip.capacity.gpu_model": 1, "won": 2}
    assert dear["outcomes"] == {"lost.price": 1, "lost.unknown": 1, "skip.capacity.gpu_model": 1, "won": 1}
    assert (cheap["orders"], cheap["bids"], cheap["wins"], cheap["blocks"]) == (4, 3, 2, 3)
    assert cheap["peak_percent"]["gpu"] == 25.0
    assert dear["utilisation_percent"]["gpu"] == 0.0
    for line in (
        "1 nodes: ", "the inventory is empty at the start", "the order is won at his price or less",
        "lives 14400 blocks",
    ):  # fmt: skip
        assert line in said.err


def test_money_is_that_of_the_leases_won(akp: Callable[..., Any], files: tuple[str, ...]) -> None:
    """Two H100 and 16 cores at 3.6 dollars a month over two of three blocks, one core at 0.1 over one."""
    cheap, dear = json.loads(akp("simulate", *files, "-o", "json").out)
    per_block = (3.6 * 2 + 0.1 * 1) / 3
    assert int(cheap["revenue_per_month"]["uact"]) == pytest.approx(per_block * 10**6, rel=1e-5)
    assert int(dear["revenue_per_month"]["uact"]) == pytest.approx(1 / 3 * 10**6, rel=1e-5)


def test_a_market_may_be_assumed_where_nobody_won(akp: Callable[..., Any], files: tuple[str, ...]) -> None:
    said = akp("simulate", *files, "-o", "json", "--ceiling-percent", "50")
    cheap, dear = json.loads(said.out)
    assert (cheap["wins"], dear["wins"]) == (3, 2)
    assert "won at up to 50 % of the tenant's ceiling" in said.err


def test_as_a_table_with_a_column_for_each_file(akp: Callable[..., Any], files: tuple[str, ...]) -> None:
    said = akp("simulate", *files)
    lines = {line.split("  ")[0].strip(): line.split()[-2:] for line in said.out.splitlines()}
    assert lines["wins"] == ["2", "1"]
    assert lines["peak percent gpu"] == ["25.0", "0.0"]
    assert lines["outcomes lost.price"] == ["0", "1"]
    rows = list(csv.DictReader(io.StringIO(akp("simulate", *files, "-o", "csv").out)))
    assert [row["wins"] for row in rows] == ["2", "1"]


def test_the_same_again(akp: Callable[..., Any], files: tuple[str, ...]) -> None:
    assert akp("simulate", *files, "-o", "json").out == akp("simulate", *files, "-o", "json").out


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("o.jsonl", "\n\nnonsense\n", "o.jsonl:3: the body is not JSON"),
        ("o.jsonl", '{"order": "a/1/1/1"}\n', "o.jsonl:1: group.resources: is missing"),
        ("cheap.yaml", "currency: uact\n", "cheap.yaml:1:1: usdPerMonth.cpu: is missing"),
        ("n.yaml", "nodes: 3\n", "n.yaml: nodes"),
    ],
)
def test_what_cannot_work_is_told(
    akp: Callable[..., Any], files: tuple[str, ...], tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / name).write_text(text)
    said = akp("simulate", *files)
    assert (said.code, said.out) == (2, "")
    assert words in said.err


def test_no_such_file(akp: Callable[..., Any], tmp_path: Path) -> None:
    said = akp("simulate", "--orders", tmp_path / "none", "--prices", tmp_path / "p")
    assert said.code == 2
    assert "No such file" in said.err
