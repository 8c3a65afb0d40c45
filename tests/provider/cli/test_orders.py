"""`akp orders` over a ledger that has seen five orders (conftest.py)."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bidengine.recorded import parse_lines
from manifests.ids import OrderID
from provider.cli.orders import follow
from provider.ledger.decisions import Decided, Decisions
from provider.ledger.store import Store


def listed(akp: Callable[..., Any], data: Path, *args: str) -> list[int]:
    said = akp("orders", "list", "--data", data, "-o", "json", *args)
    assert said.code == 0, said.err
    return [OrderID.parse(row["order"]).dseq for row in json.loads(said.out)]


@pytest.mark.parametrize(
    ("args", "found"),
    [
        ((), [5, 1, 2, 3, 4]),
        (("--outcome", "lost"), [5, 2]),
        (("--outcome", "lost.price"), [2]),
        (("--outcome", "skip.capacity"), [1]),
        (("--outcome", "won"), [3]),
        (("--since", "120"), [3, 4]),
        (("--since", "2m"), [4]),
        (("--since", "9m"), [2, 3, 4]),
        (("--newest", "2"), [3, 4]),
        (("--newest", "0", "--since", "1d"), [1, 2, 3, 4]),
    ],
    ids=["all, oldest first", "a beginning", "one code", "two words", "won", "a height", "an age", "an older age",
         "the newest", "no limit"],
)  # fmt: skip
def test_lists(akp: Callable[..., Any], decided: Path, args: tuple[str, ...], found: list[int]) -> None:
    assert listed(akp, decided, *args) == found


def test_a_lost_order_shows_both_prices(akp: Callable[..., Any], decided: Path) -> None:
    said = akp("orders", "list", "--data", decided, "--outcome", "lost.price", "-o", "json")
    (row,) = json.loads(said.out)
    assert row["asked"] == "2xh100,16cpu,64Gi"
    assert (row["price"], row["winner_price"]) == ({"denom": "uact", "amount": "12"}, {"denom": "uact", "amount": "9"})
    assert (row["winner"], row["dearer_percent"], row["height"]) == ("akash1rival", 33.3, 115)
    said = akp("orders", "list", "--data", decided, "--outcome", "lost.price")
    assert said.out.split()[-6:] == ["2xh100,16cpu,64Gi", "lost.price", "115", "12uact", "9uact", "33.3"]
    (row,) = csv.DictReader(io.StringIO(akp("orders", "list", "--data", decided, "--outcome", "won", "-o", "csv").out))
    assert (row["outcome"], row["leased_at"], row["started_at"], row["ended_at"]) == ("won", "125", "130", "165")


def test_an_order_is_explained_from_top_to_bottom(akp: Callable[..., Any], decided: Path) -> None:
    said = akp("orders", "explain", "2", "--data", decided)
    lines = [line.strip() for line in said.out.splitlines()]
    assert lines == [
        "order   akash1tenant/2/1/1",
        "asked   2xh100,16cpu,64Gi, at most 100uact per block",
        "created at height 102, first looked at 1970-05-19T21:11:00Z",
        "height 110       bid  12uact  tx ABCD",
        "unit 1: 1 on n1 with nvidia/h100",
        "unit 1 gpu: 7",
        "height 115       lost.price  12uact  akash1rival got it",
        "stands  lost.price since height 115",
    ]


def test_the_same_answer_again_is_told_once(akp: Callable[..., Any], decided: Path) -> None:
    said = akp("orders", "explain", "1/1/1", "--data", decided)
    assert "skip.capacity.gpu_model  needs 9, 7 are free (until height 105, 2 times)" in said.out


@pytest.mark.parametrize("name", ["3", "3/1/1", "akash1tenant/3/1/1"])
def test_an_order_has_several_names(akp: Callable[..., Any], decided: Path, name: str) -> None:
    (found,) = json.loads(akp("orders", "explain", name, "--data", decided, "-o", "json").out)
    assert found["order"] == "akash1tenant/3/1/1"
    assert [d["outcome"] for d in found["decisions"]] == ["bid", "won"]
    assert found["decisions"][1]["times"] == 3


def test_an_order_of_an_older_ledger(akp: Callable[..., Any], decided: Path) -> None:
    said = akp("orders", "explain", "5", "--data", decided)
    assert said.code == 0
    assert "asked" not in said.out
    assert "lost.unknown" in said.out


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("explain", "99"), 1, "the ledger knows no order 99"),
        (("explain", "2", "--owner", "akash1other"), 1, "the ledger knows no order"),
        (("explain", "2/1"), 2, "neither a DSEQ nor"),
        (("explain", "two"), 2, "'two' in 'x/two/1/1' is not a sequence number"),
        (("explain", "a/b/c/d/e"), 2, "ORDER"),
        (("list", "--since", "yesterday"), 2, "'yesterday' is no age and no height. Write 90m, 24h, 7d, or a height."),
        (("list", "--since", "9" * 20), 2, "is no age and no height"),
        (("list", "--newest", "9" * 20), 2, "Invalid value"),
        (("tail", "--lines", "9" * 20), 2, "Invalid value"),
        (("record",), 2, "Missing option '--out'"),
    ],
)
def test_what_cannot_be_answered(
    akp: Callable[..., Any], decided: Path, args: tuple[str, ...], code: int, words: str
) -> None:
    said = akp("orders", *args, "--data", decided)
    assert said.code == code
    assert words in said.err


def test_without_a_ledger_it_says_so(akp: Callable[..., Any], tmp_path: Path) -> None:
    for command in (("list",), ("explain", "1"), ("tail",), ("record", "--out", "x")):
        said = akp("orders", *command, "--data", tmp_path)
        assert (said.code, said.out) == (2, "")
        assert "the ledger cannot be opened" in said.err


def test_recording_from_the_ledger(akp: Callable[..., Any], decided: Path, tmp_path: Path) -> None:
    out = tmp_path / "orders.jsonl"
    said = akp("orders", "record", "--out", out, "--data", decided)
    assert said.out == f"{out}: 4 orders\n", "not the one of which it is not known what it asked"
    with out.open() as file:
        records = parse_lines(file)
    assert [r.outcome for r in records] == ["skip.capacity.gpu_model", "lost.price", "won", "bid"]
    assert [r.lease_blocks for r in records] == [None, None, 40, None]
    assert akp("orders", "record", "--out", out, "--data", decided, "--since", "120").out.endswith("2 orders\n")
    said = akp("orders", "record", "--out", tmp_path, "--data", decided)
    assert said.code == 2
    assert "Name another file" in said.err
    said = akp("orders", "record", "--out", tmp_path / "no" / "file", "--data", decided)
    assert (said.code, "there is no directory" in said.err, (tmp_path / "no").exists()) == (2, True, False)


def test_recording_from_a_chain_needs_settings(akp: Callable[..., Any], tmp_path: Path) -> None:
    said = akp("orders", "record", "--from-chain", "--out", tmp_path / "x")
    assert said.code == 2
    assert "--config" in said.err


async def test_following_shows_the_last_ones_then_the_new_ones(decided: Path) -> None:
    found = follow(decided, back=1, poll_s=0.01)
    assert (await anext(found)).outcome == "lost.unknown"
    async with Store.open(decided / "ledger.db") as daemon:
        await Decisions(daemon).note(Decided(OrderID("akash1tenant", 6, 1, 1), 201, "skip.attributes"))
        link = await asyncio.wait_for(anext(found), 180)
    assert (link.order.dseq, link.outcome) == (6, "skip.attributes")
    await found.aclose()  # type: ignore[attr-defined]


async def test_tail_prints_line_by_line_until_it_is_stopped(decided: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "provider", "orders", "tail", "-n", "2", "--data", str(decided),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    first, second = (await process.stdout.readline(), await process.stdout.readline())
    process.terminate()
    await process.communicate()
    assert first == b"1970-05-19T21:19:00Z  height 190  akash1tenant/4/1/1  bid  12uact\n"
    assert b"lost.unknown" in second
