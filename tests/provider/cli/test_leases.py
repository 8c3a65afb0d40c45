"""`akp leases` reads the ledger's file, beside a running daemon or without one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

OVER, LIVE = (f"akash1tenant/{n}/1/1/akash1us" for n in (7, 8))


def test_as_json(akp: Callable[..., Any], ledger: Path) -> None:
    said = akp("leases", "--data", ledger, "-o", "json")
    assert said.code == 0
    assert json.loads(said.out) == [
        {
            "lease": OVER,
            "from_height": 100,
            "to_height": 110,
            "blocks": 10,
            "rate": {"denom": "uact", "amount": "11.407712000000000000"},
            "paid": {"denom": "uact", "amount": 45 + 68},
            "reason": 1,
        },
        {
            "lease": LIVE,
            "from_height": 120,
            "to_height": None,
            "blocks": 30,
            "rate": {"denom": "uact", "amount": "2.500000000000000000"},
            "paid": {"denom": "uact", "amount": 25},
            "reason": None,
        },
    ]


def test_as_a_table(akp: Callable[..., Any], ledger: Path) -> None:
    said = akp("leases", "--data", ledger)
    head, over, live = (line.split() for line in said.out.splitlines())
    assert head[0] == "lease"
    assert over[0] == OVER
    assert "113uact" in over
    assert over[-4:] == ["ended", "at", "110", "(owner)"]
    assert live[0] == LIVE
    assert live[-1] == "live"


def test_only_those_that_run(akp: Callable[..., Any], ledger: Path) -> None:
    said = akp("leases", "--data", ledger, "--live", "-o", "json")
    assert [row["lease"] for row in json.loads(said.out)] == [LIVE]


def test_the_directory_may_come_from_the_environment(akp: Callable[..., Any], ledger: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("AKP_DATA", str(ledger))
    assert len(json.loads(akp("leases", "-o", "json").out)) == 2


def test_without_a_ledger_it_says_so(akp: Callable[..., Any], tmp_path: Path) -> None:
    said = akp("leases", "--data", tmp_path)
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith(f"akp: {tmp_path}/ledger.db: the ledger cannot be opened")
    assert not (tmp_path / "ledger.db").exists(), "looking makes none"


def test_a_file_that_is_no_ledger(akp: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"this is not a database, and long enough to be one" * 50)
    said = akp("leases", "--data", tmp_path)
    assert said.code == 2
    assert said.err.count("\n") == 1
