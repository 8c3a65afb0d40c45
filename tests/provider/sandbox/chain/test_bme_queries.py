"""Questions about burning and minting: the vault, the breaker, and pages of records."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.chain.errors import QueryError

BME = "akash.bme.v1.Query"


def test_the_vault_shows_its_uakt_and_all_uact(priced: Any) -> None:
    state = priced.ask(f"{BME}/VaultState").vault_state
    assert [(c.denom, int(c.amount)) for c in state.balances] == [("uact", 8 * 10**12), ("uakt", 10**14)]
    assert [(c.denom, c.amount) for c in state.total_burned] == [("uact", "0"), ("uakt", "0")]
    assert [(c.denom, c.amount) for c in state.remint_credits] == [("uakt", "0")]


def test_the_status_says_what_is_allowed(priced: Any) -> None:
    found = priced.ask(f"{BME}/Status")
    assert (found.status, found.mints_allowed, found.refunds_allowed) == (1, True, True)
    assert int(found.collateral_ratio) == 25 * 10**18
    assert (found.warn_threshold, found.halt_threshold) == (str(95 * 10**16), str(90 * 10**16))


def test_without_a_price_the_question_fails(priced: Any, chain: Any) -> None:
    with pytest.raises(QueryError) as no:
        chain.ask(f"{BME}/Status")
    assert no.value.status == "UNKNOWN"
    assert no.value.text.startswith("codespace oracle.v2 code 4: price stalled: collections: not found")
    priced.block(after_s=100)
    with pytest.raises(QueryError) as no:
        priced.ask(f"{BME}/Status")
    assert no.value.text == "codespace oracle.v2 code 4: price stalled"


def test_parameters(priced: Any) -> None:
    params = priced.ask(f"{BME}/Params").params
    assert (params.min_epoch_blocks, params.mint_spread_bps, params.max_pending_attempts) == (5, 25, 3)
    assert [(c.denom, c.amount) for c in params.min_mint] == [("uact", "10000000")]


@pytest.fixture
def busy(priced: Any) -> Any:
    """Two executed burns, one canceled, one waiting."""
    for amount in (10, 20, 1):
        priced.must("p1", priced.burn("p1", amount))
    while priced.ask(f"{BME}/LedgerRecords", filters={"status": "ledger_record_status_pending"}).records:
        priced.block()
    priced.must("p2", priced.burn("p2", 30))
    return priced


def listed(chain: Any, **asked: Any) -> tuple[list[int], Any]:
    """Statuses of the records of one page, and the page."""
    found = chain.ask(f"{BME}/LedgerRecords", **asked)
    return [row.status for row in found.records], found.pagination


def test_records_come_by_status_and_in_pages(busy: Any) -> None:
    assert listed(busy)[0] == [1, 2, 2, 3]
    assert listed(busy, pagination={"reverse": True})[0] == [3, 2, 2, 1]
    for reverse in (False, True):
        seen, page = listed(busy, pagination={"limit": 2, "reverse": reverse})
        while page.next_key:
            more, page = listed(busy, pagination={"limit": 1, "key": page.next_key})
            seen += more
        assert seen == ([3, 2, 2, 1] if reverse else [1, 2, 2, 3])


def test_filters_of_records(busy: Any) -> None:
    assert listed(busy, filters={"source": busy["p2"]})[0] == [1]
    assert listed(busy, filters={"denom": "uakt"})[0] == []
    assert listed(busy, filters={"to_denom": "uakt", "status": "ledger_record_status_executed"})[0] == [2, 2]
    assert listed(busy, filters={"status": "ledger_record_status_executed"}, pagination={"offset": 1})[0] == [2]


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"filters": {"status": "bogus"}}, "invalid status filter value"),
        ({"pagination": {"offset": 1}}, "if offset is set, filter.status must be provided"),
        ({"pagination": {"key": b"rubbish"}}, "invalid checksum"),
    ],
)
def test_questions_that_are_refused(busy: Any, asked: Any, text: str) -> None:
    with pytest.raises(QueryError) as no:
        listed(busy, **asked)
    assert no.value.status == "INVALID_ARGUMENT"
    assert text in no.value.text
