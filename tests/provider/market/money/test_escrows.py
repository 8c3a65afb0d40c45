from __future__ import annotations

import itertools
from typing import Any

import pytest

from bidengine.views import EscrowAccount, EscrowPayment
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import DeploymentID, LeaseID
from provider.market.money.escrows import NEAR_BLOCKS, NEAR_REFRESH_BLOCKS, REFRESH_BLOCKS, Escrows

ONE, TWO, LONGER = (DeploymentID("akash1t", dseq) for dseq in (1, 2, 12))


@pytest.fixture
def known(chain: Any) -> Escrows:
    for deployment, funds in ((ONE, 10**9), (TWO, 10**9), (LONGER, 10**9)):
        lease = LeaseID(deployment.owner, deployment.dseq, 1, 1, "akash1us")
        account = EscrowAccount(deployment, "open", 0, (DecCoin("uact", funds * E18),))
        chain.accounts_[deployment] = account
        chain.payments_[lease] = EscrowPayment(lease, "open", DecCoin("uact", E18), 0, 0, Coin("uact", 0))
    return Escrows(lambda height: chain)


async def test_what_was_never_read_is_read_and_what_is_gone_forgotten(known: Escrows) -> None:
    known.keep(ONE)
    known.keep(TWO)
    assert known.old(7) == {"akash1t"}
    await known.read("akash1t", [ONE, TWO], 7)
    known.keep(TWO)
    assert known.old(7) == set()
    assert set(known) == {ONE, TWO}
    known.forget(TWO)
    assert set(known) == {ONE}


async def test_one_that_is_not_kept_is_read_once(known: Escrows) -> None:
    await known.read("akash1t", [ONE], 7)
    assert all(known.old(height) == set() for height in range(7, 400))


async def test_several_of_one_tenant_are_one_read_and_each_has_its_payments(known: Escrows, chain: Any) -> None:
    await known.read("akash1t", [ONE, TWO], 7)
    assert chain.asked == ["escrows"]
    found = known.get(ONE)
    assert found is not None
    assert [p.lease.dseq for p in found.payments] == [1, 12], "12 begins with a 1 (settlement.py)"


async def test_one_alone_is_asked_for_by_its_number(known: Escrows) -> None:
    await known.read("akash1t", [TWO], 7)
    assert set(known) == {TWO}


@pytest.mark.parametrize("state", ["closed", "overdrawn", "gone"])
async def test_one_that_is_open_no_more_is_not_known(known: Escrows, chain: Any, state: str) -> None:
    known.keep(ONE)
    await known.read("akash1t", [ONE], 7)
    del chain.accounts_[ONE]
    await known.read("akash1t", [ONE], 8)
    assert known.get(ONE) is None
    assert known.old(8) == set(), "it was read, there is nothing to know"


@pytest.mark.parametrize(
    ("blocks_left", "every"), [(NEAR_BLOCKS + 500, REFRESH_BLOCKS), (NEAR_BLOCKS - 1, NEAR_REFRESH_BLOCKS)]
)
async def test_near_its_end_an_account_is_read_oftener(
    known: Escrows, chain: Any, blocks_left: int, every: int
) -> None:
    chain.accounts_[ONE] = EscrowAccount(ONE, "open", 0, (DecCoin("uact", (7 + blocks_left) * E18),))
    chain.payments_.pop(LeaseID("akash1t", 12, 1, 1, "akash1us"))
    known.keep(ONE)
    await known.read("akash1t", [ONE], 7)
    reads = []
    for height in range(8, 8 + 3 * REFRESH_BLOCKS):
        if known.old(height):
            await known.read("akash1t", [ONE], height)
            reads.append(height)
    assert {b - a for a, b in itertools.pairwise(reads)} == {every}
