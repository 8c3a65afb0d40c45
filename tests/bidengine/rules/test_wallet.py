from __future__ import annotations

from typing import Any

import pytest

from bidengine.reasons import Reason
from bidengine.rules.wallet import wallet
from bidengine.views import Wallet
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
