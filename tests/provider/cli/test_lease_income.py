"""`akp leases dry` and `withdraw`, over a chain with leases on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bidengine.forecast import Forecast
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import LeaseID
from provider.cli.lease_income import batches


def test_what_ends_soon_and_what_that_costs(akp: Callable[..., Any], market_town: Any) -> None:
    short, _ = market_town.leases(1, deposit=600_000), market_town.leases(2, deposit=900_000_000)
    config = market_town.config()
    said = akp("leases", "dry", "--config", config, "-o", "json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    (row,) = found["leases"]
    assert (row["lease"], row["rate"]) == (str(short), {"denom": "uact", "amount": "100"})
    lease = market_town.ask(lambda chain: chain.lease(short))
    assert row["dry_at"] == lease.created_at + 6001
    assert row["seconds_left"] > 0
    assert found["lost_per_day"]["uact"] == row["per_day"]["amount"]
    assert row["unpaid"]["amount"] == 100 * (found["height"] - lease.created_at)
    table = akp("leases", "dry", "--within", "7d", "--config", config)
    assert str(short) in table.out
    assert "1 of 2 leases end within 7d" in table.out
    assert "no lease ends within 5m" in akp("leases", "dry", "--within", "5m", "--config", config).err
    assert akp("leases", "dry", "--within", "soon", "--config", config).code == 2


def test_one_lease_or_all_are_withdrawn(akp: Callable[..., Any], market_town: Any) -> None:
    one, two = market_town.leases(1), market_town.leases(2)
    config = market_town.config()
    shown = akp("leases", "withdraw", one, "--config", config, "--dry-run", "-o", "json")
    assert shown.code == 0, shown.err
    (msg,) = json.loads(shown.out)["body"]["messages"]
    assert msg["@type"].endswith("MsgWithdrawLease")
    assert paid(market_town, one, two) == [0, 0]
    assert akp("leases", "withdraw", one, "--config", config, "--yes").code == 0
    first, second = paid(market_town, one, two)
    assert (first > 0, second) == (True, 0)
    assert akp("tx", "withdraw", "--all", "--config", config, "--yes").code == 0
    after = paid(market_town, one, two)
    assert after[0] >= first, "nothing may have been earned since"
    assert after[1] > 0


def test_what_cannot_be_withdrawn(akp: Callable[..., Any], market_town: Any) -> None:
    config = market_town.config()
    for wrong in ((), ("a/1/1/1/b", "--all"), ("a/1/1/1/b",), ("rubbish",)):
        assert akp("leases", "withdraw", *wrong, "--config", config, "--yes").code == 2
    nothing = akp("leases", "withdraw", "--all", "--config", config, "--yes")
    assert (nothing.code, "nothing is waiting" in nothing.err) == (1, True)


def paid(town: Any, *leases: LeaseID) -> list[int]:
    async def ask(chain: Any) -> list[int]:
        return [(await chain.escrow_payments(one.deployment))[0].withdrawn.amount for one in leases]

    found: list[int] = town.ask(ask)
    return found


@pytest.mark.parametrize(
    ("leases", "sizes"), [([(1, 1), (2, 1), (3, 1)], [2, 1]), ([(1, 1), (1, 2), (2, 1)], [2, 1]), ([], [])]
)
def test_two_leases_of_a_deployment_never_share_a_transaction(leases: list[tuple[int, int]], sizes: list[int]) -> None:
    found = [
        Forecast(LeaseID("t", d, g, 1, "p"), DecCoin("uact", E18), Coin("uact", 1), None, None, wedged=False)
        for d, g in leases
    ]
    parts = list(batches(found, 2))
    assert [len(part) for part in parts] == sizes
    assert all(len({one.lease.deployment for one in part}) == len(part) for part in parts)
