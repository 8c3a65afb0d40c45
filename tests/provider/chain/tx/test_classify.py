"""Every refusal a real node was provoked to: simulations are told apart as if they had a code, and each has one
verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from manifests.ids import LeaseID
from provider.chain.tx import classify
from provider.chain.tx.classify import FINAL, Verdict

NEVER_SENT = ("NOTIMPLEMENTED: internal error", "send transactions are disabled")
"""Answers to MsgDeleteProvider and MsgSend, which the daemon never sends."""
MISSING = (
    'recovered: couldn\'t find payment aid:<scope:deployment xid:"akash1t/340" > xid:"2/1/akash1p" \n'
    "stack:\n<cut>: panic"
)


@pytest.mark.parametrize(
    ("codespace", "code", "log", "verdict"),
    [
        ("market", 15, "failed to execute message; message index: 0: invalid order: order not found", Verdict.GONE),
        (
            "undefined",
            1,
            "failed to execute message; message index: 0: invalid bid: too many existing bids (20)",
            Verdict.GONE,
        ),
        (
            "undefined",
            1,
            "failed to execute message; message index: 3: deposit invalid: insufficient balance",
            Verdict.FUNDS,
        ),
        (
            "sdk",
            5,
            "spendable balance 29uakt is smaller than 50uakt: insufficient funds: insufficient funds",
            Verdict.FUNDS,
        ),
        ("undefined", 111222, MISSING, Verdict.NEXT_BLOCK),
        ("undefined", 111222, "recovered: invalid coin denominations; uact, uakt\nstack:", Verdict.REFUSED),
        ("sdk", 18, "unordered tx ttl exceeds 10m0s: invalid request", Verdict.NEXT_BLOCK),
        (
            "sdk",
            18,
            "failed to add unordered nonce: sender P1 has already used timeout 17: invalid request",
            Verdict.NEW_NONCE,
        ),
        ("sdk", 18, "sequence is not allowed for unordered transactions: invalid request", Verdict.REFUSED),
        (
            "sdk",
            11,
            "out of gas in location: WritePerByte; gasWanted: 65000, gasUsed: 65436: out of gas",
            Verdict.OUT_OF_GAS,
        ),
        ("sdk", 13, "insufficient fees; got: 10uakt required: 25000uakt: insufficient fee", Verdict.FEE),
        ("sdk", 20, "mempool is full", Verdict.NEXT_BLOCK),
        ("sdk", 21, "tx too large", Verdict.SPLIT),
        ("sdk", 30, "block height: 68, timeout height: 67: tx timeout height", Verdict.NEW_NONCE),
        ("sdk", 42, "block time: …: tx timeout", Verdict.NEW_NONCE),
        ("sdk", 32, "account sequence mismatch, expected 9, got 12: incorrect account sequence", Verdict.SEQUENCE),
        ("sdk", 37, "unordered transactions are not enabled: feature not supported", Verdict.ORDERED_ONLY),
        (
            "sdk",
            4,
            "signature verification failed; please verify account number (1) and chain-id (local)",
            Verdict.UNAUTHORISED,
        ),
        (
            "sdk",
            4,
            "failed to execute message; message index: 0: x is not allowed to receive funds: unauthorized",
            Verdict.REFUSED,
        ),
        ("authz", 2, "failed to get grant with given granter: P1, grantee: H: authorization not found", Verdict.GRANT),
        ("authz", 6, "authorization expired", Verdict.GRANT),
        ("feegrant", 2, "\x08 does not allow to pay fees for \x02: basic allowance: fee limit exceeded", Verdict.GRANT),
        ("feegrant", 3, "basic allowance: fee allowance expired", Verdict.GRANT),
        ("feegrant", 7, "message does not exist in allowed messages: message not allowed", Verdict.GRANT),
        ("sdk", 38, "\x08 does not allow to pay fees for \x02: fee-grant not found: not found", Verdict.GRANT),
        ("sdk", 38, "something else: not found", Verdict.REFUSED),
        # An inner message's own refusal keeps its code inside a MsgExec (chain-probes.md §8).
        (
            "market",
            23,
            "failed to execute message; message index: 0: failed to execute message; message <m>: order active",
            Verdict.GONE,
        ),
    ],
)
def test_each_case_has_its_verdict(codespace: str, code: int, log: str, verdict: Verdict) -> None:
    assert classify.classify(codespace, code, log) is verdict


RECORDED: dict[str, dict[int, Verdict | dict[str, Verdict]]] = {
    "akash": dict.fromkeys((1, 2, 4), Verdict.REFUSED),
    "audit": dict.fromkeys((1, 3), Verdict.REFUSED),
    "authz": {2: Verdict.GRANT, 3: Verdict.REFUSED, 7: Verdict.REFUSED},
    "bank": {5: Verdict.REFUSED},
    "bme": dict.fromkeys((3, 6, 8, 9), Verdict.REFUSED),
    "cert": dict.fromkeys((1, 3, 4, 5, 6, 7), Verdict.REFUSED),
    "deployment": dict.fromkeys((3, 4, 5, 7, 9, 10, 14, 15, 16, 17, 20, 26), Verdict.REFUSED),
    "escrow": {
        **dict.fromkeys((3, 4, 12, 16, 17), Verdict.REFUSED),
        **dict.fromkeys((2, 7), Verdict.ALREADY),
    },
    "feegrant": {2: Verdict.GRANT, 7: Verdict.GRANT},
    "market": {
        **dict.fromkeys((15, 21, 23, 24), Verdict.GONE),
        **dict.fromkeys((6, 7, 8, 10), Verdict.ALREADY),
        **dict.fromkeys((5, 22, 32, 39, 40, 41), Verdict.MISJUDGED),
        **dict.fromkeys((37, 38), Verdict.TOO_EARLY),
        **dict.fromkeys((12, 18, 19, 30, 33, 35), Verdict.REFUSED),
    },
    "oracle.v2": {4: Verdict.REFUSED},
    "provider": dict.fromkeys((1, 2, 3, 4, 8, 10), Verdict.REFUSED),
    "sdk": {
        **dict.fromkeys((2, 3, 7, 8, 10, 12, 15, 29, 36), Verdict.REFUSED),
        4: {"failed to execute message": Verdict.REFUSED, "": Verdict.UNAUTHORISED},
        5: Verdict.FUNDS,
        9: Verdict.FUNDS,
        11: Verdict.OUT_OF_GAS,
        13: Verdict.FEE,
        18: {"ttl exceeds": Verdict.NEXT_BLOCK, "already used timeout": Verdict.NEW_NONCE, "": Verdict.REFUSED},
        30: Verdict.NEW_NONCE,
        32: Verdict.SEQUENCE,
        38: {"fee-grant not found": Verdict.GRANT, "": Verdict.REFUSED},
        42: Verdict.NEW_NONCE,
    },
    "undefined": {
        1: {"insufficient balance": Verdict.FUNDS, "too many existing bids": Verdict.GONE, "": Verdict.REFUSED},
        111222: {"couldn't find payment": Verdict.NEXT_BLOCK, "": Verdict.REFUSED},
    },
}  # fmt: skip
"""Of every code that the recorded chain ever refused with; words only where one code means several things."""


def test_every_recorded_refusal_has_the_verdict_that_its_code_says(lines: Any) -> None:
    met: set[tuple[str, int]] = set()
    for codespace, code, log in refusals(lines):
        wanted = RECORDED[codespace][code]  # a KeyError is a code that nobody has thought about
        if isinstance(wanted, dict):
            wanted = next(verdict for words, verdict in wanted.items() if words in log)
        assert classify.classify(codespace, code, log) is wanted, (codespace, code, log[:200])
        met.add((codespace, code))
    assert met == {(codespace, code) for codespace, codes in RECORDED.items() for code in codes}


def refusals(lines: Any) -> Iterator[tuple[str, int, str]]:
    """At a node's first check, in a block, and, with the code its text stands for, in a simulation."""
    for line in lines(None, "results"):
        yield from ((r["codespace"], r["code"], r["log"]) for r in line["results"] if r["code"])
    for line in lines(None, "checktx"):
        check = line["checktx"]
        if check.get("code"):
            yield check["codespace"], check["code"], check["log"]
    for line in lines(None, "simulate"):
        if "error" in line["simulate"]:
            text = line["simulate"]["error"]["details"]
            yield (*classify.simulated(text), classify.told(text))


@pytest.mark.parametrize("code", range(1, 42))
def test_every_code_of_the_market_is_a_no_to_one_message(code: int) -> None:
    assert classify.classify("market", code, "failed to execute message; message index: 0: x") in FINAL


def test_a_simulated_refusal_inside_a_msgexec_is_known_by_its_end() -> None:
    text = "failed to execute message; message index: 0: failed to execute message; message id:<owner:x>: order active"
    assert classify.simulated(text + " [x.go:1] with gas used: '5'") == ("market", 23)
    missing = "failed to execute message; message index: 1: failed to get grant with given granter: a: "
    assert classify.simulated(missing + "authorization not found [x.go:1] with gas used: '5'") == ("authz", 2)


def test_a_no_without_code_and_message_is_nobodys_judgement() -> None:
    assert classify.unfounded("undefined", 1, "something about the node")
    assert not classify.unfounded("undefined", 1, "failed to execute message; message index: 0: something new")
    assert not classify.unfounded("undefined", 111222, "recovered: nil pointer")
    assert not classify.unfounded("market", 1, "something about the node")


def test_raw_addresses_are_left_out_for_people() -> None:
    raw = "\x02\x7f: \x08 does not allow to pay fees for \x19: \x02: basic allowance: fee limit exceeded"
    assert classify.readable(raw).isprintable()
    assert classify.readable(raw).endswith("basic allowance: fee limit exceeded")
    assert classify.readable("order closed") == "order closed"


def test_what_is_read_from_texts() -> None:
    assert classify.message_index("failed to execute message; message index: 12: order closed") == 12
    assert classify.message_index("order closed") is None
    assert classify.unsettled_lease(MISSING) == LeaseID("akash1t", 340, 2, 1, "akash1p")
    assert classify.unsettled_lease("order closed") is None
    assert classify.expected_sequence("account sequence mismatch, expected 9, got 12: incorrect account sequence") == 9
    assert classify.expected_sequence("unauthorized") is None
    assert classify.just_started("please verify account number (0) and chain-id (local)")
    assert not classify.just_started("please verify account number (10) and chain-id (local)")


def test_a_simulations_text_gives_the_code_that_broadcasting_the_same_bytes_gave(lines: Any) -> None:
    """Recorded pairs: what failed in simulation, and what the node or the block said about the same note."""
    delivered: dict[tuple[str, str], tuple[str, int]] = {}
    for block in lines("S4-refusals", "results"):
        for tx, result in zip(block["txs"], block["results"], strict=True):
            delivered[tx["note"], "block"] = (result["codespace"], result["code"])
    for line in lines("S4-refusals", "checktx"):
        check = line["checktx"]
        if "code" in check:
            delivered[check["note"], "check"] = (check["codespace"], check["code"])
    compared: Counter[str] = Counter()
    for line in lines("S4-refusals", "simulate"):
        simulation = line["simulate"]
        if "error" not in simulation:
            continue
        text = simulation["error"]["details"]
        told = delivered.get((simulation["note"], "check")) or delivered.get((simulation["note"], "block"))
        # A simulation checks no signature and, unlike the broadcast, was made with an own sequence in ante cases.
        if told is None or told[1] == 0 or "sequence mismatch" in text or told in (("sdk", 4), ("sdk", 8), ("sdk", 32)):
            continue
        if simulation["note"].startswith("ante") or any(m in text for m in NEVER_SENT):
            continue
        found = classify.simulated(text)
        compared["same" if found == told else f"{simulation['note']}: {found} instead of {told} for {text[:90]}"] += 1
    assert compared["same"] > 80
    assert list(compared) == ["same"]


def test_people_are_not_shown_source_locations() -> None:
    text = "failed to execute message; message index: 0: order active [cosmos-sdk/baseapp.go:1052] with gas used: '5'"
    assert classify.told(text) == "failed to execute message; message index: 0: order active"
    assert (
        classify.told("attributes cannot have duplicate keys with gas used: '1174'")
        == "attributes cannot have duplicate keys"
    )
