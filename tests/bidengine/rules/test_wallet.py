from __future__ import annotations

from typing import Any

import pytest

from bidengine.reasons import Reason
from bidengine.rules.wallet import wallet
from bidengine.views import FeeAccount, Wallet
from manifests.coins import Coin

DEPOSIT, FEES = Coin("uakt", 500), Coin("uakt", 100)


@pytest.mark.parametrize(
    ("balance", "deposit", "kept", "lacking"),
    [
        ({"uakt": 600}, DEPOSIT, (FEES,), None),
        ({"uakt": 599}, DEPOSIT, (FEES,), "lacks 1uakt for one of 500uakt with 100uakt kept back"),
        ({}, DEPOSIT, (), "lacks 500uakt for one of 500uakt"),
        ({"uakt": -50}, DEPOSIT, (), "lacks 550uakt for one of 500uakt"),
        ({"uakt": 700}, DEPOSIT, (FEES, Coin("uakt", 200)), "lacks 100uakt for one of 500uakt with 100uakt + 200uakt"),
        ({"uact": 500, "uakt": 100}, Coin("uact", 500), (FEES,), None),
        ({"uact": 500, "uakt": 99}, Coin("uact", 500), (FEES,), "lacks 1uakt for one of 500uact"),
        ({"uact": 1, "uakt": 0}, Coin("uact", 500), (FEES,), "lacks 499uact, 100uakt for one of 500uact"),
    ],
    ids=["just enough", "one less", "empty", "promised twice", "a minimum", "in two coins", "no fees", "neither"],
)
def test_what_a_deposit_leaves(
    make: Any, balance: dict[str, int], deposit: Coin, kept: tuple[Coin, ...], lacking: str | None
) -> None:
    found = wallet(make.order(), make.us(wallet=Wallet("akash1us", balance, deposit, kept)))
    assert (found is None) is (lacking is None)
    if found is not None:
        assert (found.reason, found.final) == (Reason.WALLET_TOO_LOW, False)
        assert found.detail.startswith(f"akash1us pays deposits and {lacking}")


def test_what_is_not_known_stops_nobody(make: Any) -> None:
    assert wallet(make.order(), make.us()) is None


def judged(make: Any, found: Wallet) -> str | None:
    no = wallet(make.order(), make.us(wallet=found))
    return None if no is None else no.detail


@pytest.mark.parametrize(
    ("sources", "balance", "granted", "lacking"),
    [
        (("grant", "balance"), 100, 500, None),
        (("grant", "balance"), 99, 500, "lacks 1uakt for one of 500uakt with 100uakt kept back"),
        (("grant", "balance"), 300, 300, None),
        (("grant", "balance"), 299, 300, "lacks 1uakt"),
        (("grant", "balance"), 600, 0, None),
        (("grant",), 0, 500, None),
        (("grant",), 10_000, 499, "lacks 1uakt for one of 500uakt"),
        (("balance", "grant"), 600, 0, None),
        (("balance", "grant"), 599, 10_000, "lacks 1uakt"),
        (("balance", "grant"), 0, 10_000, "lacks 100uakt"),
        (("balance",), 599, 10_000, "lacks 1uakt"),
    ],
    ids=[
        "granted", "granted, but no fees", "both", "both, one less", "no grant", "grants alone", "one less",
        "own money first", "the chain would take the reserve", "nothing of our own", "grants are not to be used",
    ],
)  # fmt: skip
def test_deposits_that_others_pay(
    make: Any, sources: tuple[str, ...], balance: int, granted: int, lacking: str | None
) -> None:
    found = judged(make, Wallet("akash1us", {"uakt": balance}, DEPOSIT, (FEES,), sources, granted))
    assert (found is None) is (lacking is None)
    if found is not None:
        assert found.startswith(f"akash1us pays deposits and {lacking}")
        assert ("deposit grant" in found) is ("grant" in sources)


@pytest.mark.parametrize(("fees", "lacking"), [(100, None), (99, "lacks 1uakt of the 100uakt kept for them")])
def test_where_another_account_pays_the_fees_the_reserve_is_looked_for_there(
    make: Any, fees: int, lacking: str | None
) -> None:
    payer = FeeAccount("akash1hot", {"uakt": fees}, (FEES,))
    found = judged(make, Wallet("akash1us", {"uakt": 500}, DEPOSIT, (), fees=payer))
    assert found == (None if lacking is None else f"akash1hot pays the fees and {lacking}")
