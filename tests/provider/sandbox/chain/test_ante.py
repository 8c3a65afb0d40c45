"""Refusals before any message runs, and which of two comes first."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message

MINUTE = 60 * 10**9


def doomed(chain: Any) -> Any:
    return chain.close_deployment(404)


CASES: dict[str, tuple[dict[str, Any], int]] = {
    "good": ({}, 0),
    "fee too small": ({"fee": 49_999}, 13),
    "memo too long": ({"memo": "m" * 257}, 12),
    "height passed": ({"timeout_height": 1}, 30),
    "sequence ahead": ({"sequence": 5}, 32),
    "wrong chain": ({"chain_id": "other"}, 4),
    "wrong account number": ({"number": 9}, 4),
    "empty signature": ({"signature": b""}, 4),
    "no allowance": ({"granter": "p1"}, 38),
    "height before memo": ({"timeout_height": 1, "memo": "m" * 257}, 30),
    "memo before size": ({"memo": "m" * 257, "gas": 2_000}, 12),
    "size before fee": ({"gas": 1_100, "fee": 0}, 11),
    "fee before sequence": ({"fee": 1, "sequence": 5}, 13),
    "sequence before signature": ({"sequence": 5, "chain_id": "other"}, 32),
}


@pytest.mark.parametrize("case", CASES)
def test_refusals_and_their_precedence(chain: Any, case: str) -> None:
    options, code = CASES[case]
    if "granter" in options:
        options = {"granter": chain["p1"]}
    answer = chain.app.check_tx(chain.tx("tenant", doomed(chain), **options))
    assert answer.code == code, answer.log


def test_the_fee_minimum_holds_in_check_only(chain: Any) -> None:
    free = chain.tx("tenant", doomed(chain), fee=0)
    assert chain.app.check_tx(free).code == 13
    assert chain.block(free).results[0].codespace == "deployment"


def test_a_high_s_signature_is_malleable_and_refused(chain: Any) -> None:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    raw = message("cosmos.tx.v1beta1.TxRaw").FromString(chain.tx("tenant", doomed(chain)))
    good = raw.signatures[0]
    assert chain.app.check_tx(raw.SerializeToString()).code == 0
    chain.block()
    raw.signatures[0] = good[:32] + (order - int.from_bytes(good[32:], "big")).to_bytes(32, "big")
    assert chain.app.check_tx(raw.SerializeToString()).code == 4


def test_somebody_elses_message_is_refused_by_key_before_sequence(chain: Any) -> None:
    tx = chain.tx("p1", doomed(chain), sequence=77)
    answer = chain.app.check_tx(tx)
    assert answer.code == 8
    assert answer.log.startswith(f"pubKey does not match signer address {chain['tenant']} with signer index: 0")


@pytest.mark.parametrize(("ahead_ns", "code"), [(-1, 42), (0, 0), (1, 0), (10 * MINUTE, 0), (10 * MINUTE + 1, 18)])
def test_an_unordered_tx_lives_between_now_and_ten_minutes(chain: Any, ahead_ns: int, code: int) -> None:
    tx = chain.tx("tenant", doomed(chain), unordered_ns=chain.app.time_unix_ns + ahead_ns)
    assert chain.app.check_tx(tx).code == code


def test_a_nonce_is_used_once_even_by_a_failing_tx_and_leaves_the_sequence_alone(chain: Any) -> None:
    when = chain.app.time_unix_ns + MINUTE
    first = chain.send("tenant", doomed(chain), unordered_ns=when)
    assert (first.codespace, first.code) == ("deployment", 4)
    assert not [e for e in first.events if ("acc_seq" in dict(e.attributes))]
    assert chain.sequence("tenant") == 0
    other = chain.tx("tenant", doomed(chain), unordered_ns=when, memo="other bytes")
    assert chain.app.check_tx(other).log == (
        f"failed to add unordered nonce: sender {chain['tenant']} has already used timeout {when}: invalid request"
    )
    assert chain.app.check_tx(chain.tx("p1", chain.bid(), unordered_ns=when)).code == 0


def test_a_tx_that_expires_between_check_and_block_is_included_for_nothing(chain: Any) -> None:
    before = chain.balance("tenant")
    tx = chain.tx("tenant", doomed(chain), unordered_ns=chain.app.time_unix_ns + 10**9 - 1)
    assert chain.app.check_tx(tx).code == 0
    answer = chain.block(tx, after_s=1).results[0]
    assert (answer.code, answer.gas_used, answer.events) == (42, 0, [])
    assert chain.balance("tenant") == before


def test_unknown_types_and_rubbish_are_unreadable(chain: Any) -> None:
    strange = message("cosmos.base.v1beta1.Coin")(denom="which is no message")
    for data in (b"rubbish", chain.tx("tenant", strange)):
        answer = chain.app.check_tx(data)
        assert (answer.codespace, answer.code) == ("sdk", 2)
        assert answer.log.endswith("tx parse error: tx parse error")


def test_a_payer_or_granter_that_is_no_address_is_refused_not_crashed_on(chain: Any) -> None:
    answer = chain.app.check_tx(chain.tx("tenant", doomed(chain), granter="nobody"))
    assert (answer.codespace, answer.code) == ("sdk", 7)
