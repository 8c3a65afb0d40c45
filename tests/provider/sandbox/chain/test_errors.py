"""Refusals in the words of the real node: what it said in the recordings, and how they are wrapped."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provider.sandbox.chain.errors import ChainError, nil_pointer, not_found, panic, registered, unregistered

ELSEWHERE = {"authz", "bme", "feegrant", "oracle.v2", "undefined"}
"""codespaces of modules the sandbox does not have, and of errors that have none"""
NOT_HERE = {("escrow", 17), ("sdk", 29)}
"""an authorization's scope and its type: authz again"""


def test_every_refusal_that_was_recorded_ends_with_its_registered_text(shared: Path) -> None:
    met: set[tuple[str, int]] = set()
    for path in sorted((shared / "conformance" / "chain").glob("S*.jsonl")):
        for line in map(json.loads, path.read_text().splitlines()):
            for told in (*line.get("results", ()), line.get("checktx", {})):
                name = told.get("codespace", ""), told.get("code", 0)
                if not name[1] or name[0] in ELSEWHERE or name in NOT_HERE:
                    continue
                met.add(name)
                text = registered(*name).text
                assert told["log"] == text or told["log"].endswith(f": {text}"), (path.name, name)
    assert len(met) > 60


def test_the_reference_names_the_markets_and_escrows_refusals_alike(shared: Path) -> None:
    """chain.md §6.6 lists a codespace in one row: `| market | 1 text · 2 text … |`."""
    table = (shared / "reference" / "chain.md").read_text().partition("## 6.6")[2]
    for codespace, known in (("market", 25), ("escrow", 8)):
        (row,) = re.findall(rf"^\| {codespace} \| (.+) \|$", table, re.MULTILINE)
        texts = {int(n): text for n, text in (part.split(" ", 1) for part in row.split(" · "))}
        ours = {n: text_of(codespace, n) for n in texts}
        different = {n for n, text in ours.items() if text is not None and text != texts[n].removesuffix(" (NotFound)")}
        assert not different
        assert len([text for text in ours.values() if text is not None]) >= known


def text_of(codespace: str, code: int) -> str | None:
    try:
        return registered(codespace, code).text
    except KeyError:
        return None


CASES: dict[str, tuple[ChainError, tuple[str, int], str]] = {
    "bare": (registered("market", 15), ("market", 15), "invalid order: order not found"),
    "with a detail": (
        registered("sdk", 7, "BidID: Invalid Provider Address"),
        ("sdk", 7),
        "BidID: Invalid Provider Address: invalid address",
    ),
    "in a message": (
        registered("escrow", 2).wrap("failed to execute message; message index: 0"),
        ("escrow", 2),
        "failed to execute message; message index: 0: account closed",
    ),
    "twice wrapped": (
        registered("akash", 4, "inner").wrap("outer"),
        ("akash", 4),
        "outer: inner: invalid deposit source",
    ),
    "without registration": (unregistered("deposit invalid"), ("undefined", 1), "deposit invalid"),
    "without registration, wrapped": (unregistered("x").wrap("y"), ("undefined", 1), "y: x"),
    "a panic": (panic("oh"), ("undefined", 111222), "recovered: oh\nstack:\n<cut>: panic"),
}


@pytest.mark.parametrize(("error", "name", "text"), CASES.values(), ids=CASES)
def test_codes_survive_wrapping_and_details_go_in_front(error: ChainError, name: tuple[str, int], text: str) -> None:
    assert (error.codespace, error.code) == name
    assert (error.text, str(error)) == (text, text)


def test_a_nil_pointer_is_a_panic_in_gos_words() -> None:
    error = nil_pointer()
    assert (error.codespace, error.code) == ("undefined", 111222)
    assert error.text.startswith("recovered: runtime error: invalid memory address or nil pointer dereference\n")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: registered("market", 20), "codespace market code 20: invalid lease: lease not found"),
        (lambda: registered("provider", 3), "codespace provider code 3: invalid provider: address not found"),
        (lambda: registered("audit", 1), "codespace audit code 1: invalid provider: address not found"),
    ],
)
def test_a_query_names_codespace_and_code(make: Callable[[], Any], text: str) -> None:
    error = not_found(make())
    assert (error.status, error.text, str(error)) == ("NOT_FOUND", text, text)


@pytest.mark.parametrize(("codespace", "code"), [("market", 999), ("nowhere", 1)])
def test_an_invented_code_is_our_own_mistake(codespace: str, code: int) -> None:
    with pytest.raises(KeyError):
        registered(codespace, code)
