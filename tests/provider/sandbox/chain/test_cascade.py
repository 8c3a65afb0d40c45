"""What ends together, what is left behind, and who is paid meanwhile (chain-probes §3.1, 3, 6, 14, 15)."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.chain.cascade import account_closed
from provider.sandbox.chain.context import Context, Registry
from provider.sandbox.chain.gas import UNLIMITED, Meter
from provider.sandbox.chain.store import Layer

E18 = 10**18
OPEN, ACTIVE, LOST, CLOSED = 1, 2, 3, 4
LEASE_CLOSED, LEASE_DRY = 3, 2
GROUP_PAUSED, GROUP_DRY, GROUP_CLOSED = 2, 3, 4
PAYMENT_OPEN, PAYMENT_CLOSED, PAYMENT_OVERDRAWN = 1, 2, 3
MARKET = "akash.market.v1beta5.Query"


def told(answer: Any) -> list[str]:
    """The akash events, bare: "BidClosed"."""
    return [e.type.rpartition(".")[2].removeprefix("Event") for e in answer.events if e.type.startswith("akash.")]


def bids(chain: Any, **filters: int) -> dict[tuple[int, str], int]:
    """(oseq, name of the bidder) -> state"""
    names = {chain[name]: name for name in chain.keys}
    found = chain.ask(f"{MARKET}/Bids", filters={"owner": chain["tenant"], **filters}).bids
    return {(row.bid.id.oseq, names[row.bid.id.provider]): row.bid.state for row in found}


def groups(chain: Any, dseq: int = 1) -> list[int]:
    found = chain.ask("akash.deployment.v1beta4.Query/Deployment", id={"owner": chain["tenant"], "dseq": dseq})
    return [group.state for group in found.groups]


def lease(chain: Any, provider: str = "p1", **where: int) -> tuple[int, int, int]:
    """(state, reason, state of its payment)"""
    found = chain.ask(f"{MARKET}/Lease", id=chain.bid_id(provider, **where))
    return found.lease.state, found.lease.reason, found.escrow_payment.state.state


def two_groups(chain: Any, **more: Any) -> Any:
    pair = [chain.deployment().groups[0] for _ in range(2)]
    pair[1].name = "second"
    return chain.deployment(groups=pair, **more)


@pytest.fixture
def crowd(chain: Any) -> tuple[Any, str, str]:
    """Three bids on one order, the one of `p2` leased: (chain, who lost, whose bid is stale). Each pays 5 per block."""
    chain.must("p3", chain.provider("p3", region="us-west"))
    chain.must("tenant", chain.deployment())
    for name in ("p1", "p2", "p3"):
        chain.must(name, chain.bid(name))
    chain.must("tenant", chain.lease("p2"))
    _, lost = min((chain[name], name) for name in ("p1", "p3"))
    return chain, lost, "p3" if lost == "p1" else "p1"


def closing(chain: Any) -> dict[str, Any]:
    return {
        "PauseGroup": chain.on_group("Pause"),
        "CloseGroup": chain.on_group("Close"),
        "CloseDeployment": chain.close_deployment(),
    }


@pytest.mark.parametrize(
    ("what", "first"),
    [
        ("PauseGroup", ["GroupPaused"]),
        ("CloseGroup", ["GroupClosed"]),
        ("CloseDeployment", ["DeploymentClosed", "GroupClosed"]),
    ],
)
def test_a_live_order_takes_all_its_bids_along_the_stale_ones_first(
    crowd: tuple[Any, str, str], what: str, first: list[str]
) -> None:
    chain, lost, stale = crowd
    assert bids(chain) == {(1, "p2"): ACTIVE, (1, lost): LOST, (1, stale): OPEN}
    before = {name: (chain.balance(name), chain.balance(name, "uact")) for name in (lost, stale, "p2")}
    answer = chain.must("tenant", closing(chain)[what])
    assert told(answer) == [*first, "OrderClosed", "BidClosed", "BidClosed", "LeaseClosed"]
    ended = [dict(e.attributes)["id"] for e in answer.events if e.type.endswith("EventBidClosed")]
    assert [chain[name] in ident for name, ident in zip((stale, "p2"), ended, strict=True)] == [True, True]
    assert bids(chain) == {(1, "p2"): CLOSED, (1, lost): LOST, (1, stale): CLOSED}
    gained = {
        name: (chain.balance(name) - akt, chain.balance(name, "uact") - act) for name, (akt, act) in before.items()
    }
    assert gained == {lost: (0, 0), stale: (500_000, 0), "p2": (500_000, 5)}
    assert lease(chain, "p2") == (LEASE_CLOSED, 1, PAYMENT_CLOSED)


def test_a_stale_bid_of_an_order_that_ended_before_stays_open_for_ever(crowd: tuple[Any, str, str]) -> None:
    chain, lost, stale = crowd
    before = chain.balance(stale)
    chain.must("tenant", chain.on_lease("CloseLease", "p2"))
    chain.must("p2", chain.bid("p2", oseq=2))
    assert told(chain.must("tenant", chain.on_group("Pause"))) == ["GroupPaused", "OrderClosed", "BidClosed"]
    assert told(chain.must("tenant", chain.close_deployment())) == ["DeploymentClosed", "GroupClosed"]
    assert bids(chain) == {(1, "p2"): CLOSED, (1, lost): LOST, (1, stale): OPEN, (2, "p2"): CLOSED}
    assert chain.balance(stale) == before
    chain.must(stale, chain.on_lease("CloseBid", stale, reason=10_000), fee=50_000)
    assert chain.balance(stale) == before + 500_000 - 50_000


def test_the_groups_and_deployments_beside_it_live_on(chain: Any) -> None:
    for dseq in (1, 11):
        chain.must("tenant", two_groups(chain, dseq=dseq))
        chain.must("p1", chain.bid(dseq=dseq))
        chain.must("p2", chain.bid("p2", dseq=dseq, gseq=2))
        chain.must("tenant", chain.lease(dseq=dseq))
        chain.must("tenant", chain.lease("p2", dseq=dseq, gseq=2))
    chain.must("tenant", chain.on_group("Close"))
    assert (groups(chain), groups(chain, 11)) == ([GROUP_CLOSED, OPEN], [OPEN, OPEN])
    assert lease(chain) == (LEASE_CLOSED, 1, PAYMENT_CLOSED)
    running = (1, 0, PAYMENT_OPEN)
    assert [lease(chain, "p2", gseq=2), lease(chain, dseq=11), lease(chain, "p2", dseq=11, gseq=2)] == [running] * 3


def test_what_ended_before_is_not_ended_again(chain: Any) -> None:
    """A closed group says nothing any more; a paused one only that it closes (chain-probes 14)."""
    chain.must("tenant", two_groups(chain))
    chain.must("tenant", chain.on_group("Close", gseq=1))
    chain.must("tenant", chain.on_group("Pause", gseq=2))
    answer = chain.must("tenant", chain.close_deployment())
    assert told(answer) == ["DeploymentClosed", "GroupClosed"]
    assert '"gseq":2' in dict(answer.events[-1].attributes)["id"]
    assert groups(chain) == [GROUP_CLOSED, GROUP_CLOSED]


def test_a_deployment_without_groups_to_run_stays_active(chain: Any) -> None:
    chain.must("tenant", chain.deployment())
    chain.must("tenant", chain.on_group("Close"))
    found = chain.ask("akash.deployment.v1beta4.Query/Deployment", id={"owner": chain["tenant"], "dseq": 1})
    assert (found.deployment.state, found.escrow_account.state.state) == (1, 1)


def test_a_reclaiming_lease_ends_like_a_running_one(chain: Any) -> None:
    chain.must("tenant", chain.deployment())
    chain.must("p1", chain.bid(reclamation_window={"seconds": 14}))
    chain.must("tenant", chain.lease())
    chain.must("p1", chain.on_lease("LeaseStartReclaim", reason=10_001))
    assert told(chain.must("tenant", chain.on_group("Close")))[-1] == "LeaseClosed"
    assert lease(chain) == (LEASE_CLOSED, 1, PAYMENT_CLOSED)


# A dry account.


@pytest.fixture
def dry(chain: Any) -> Any:
    """Two groups, both leased at 100,000 per block, with money for 2½ blocks of both; 20 blocks later."""
    chain.must("tenant", two_groups(chain, deposit=500_000))
    chain.must("p1", chain.bid(price=100_000 * E18))
    chain.must("p2", chain.bid("p2", gseq=2, price=100_000 * E18))
    chain.must("tenant", chain.lease(), chain.lease("p2", gseq=2))
    chain.app.skip(20, 10**9)
    return chain


ALL_OF_A_GROUP = ["GroupClosed", "OrderClosed", "BidClosed", "LeaseClosed"]
SECOND_ENDS = ["DeploymentClosed", "GroupClosed", *ALL_OF_A_GROUP]
"""the first group had ended, but not for want of funds: it is closed again"""
DRY = (LEASE_DRY, 20_000, PAYMENT_OVERDRAWN)


@pytest.mark.parametrize(
    ("signer", "what", "events", "first_lease"),
    [
        ("p1", "WithdrawLease", ["DeploymentClosed", *ALL_OF_A_GROUP, *ALL_OF_A_GROUP], DRY),
        ("tenant", "CloseDeployment", ["DeploymentClosed", *ALL_OF_A_GROUP, *ALL_OF_A_GROUP], DRY),
        (
            *("p1", "CloseBid"),
            ["GroupPaused", "LeaseClosed", "BidClosed", "OrderClosed", *SECOND_ENDS],
            (LEASE_CLOSED, 10_002, PAYMENT_OVERDRAWN),
        ),
        (
            *("tenant", "CloseLease"),
            ["LeaseClosed", "BidClosed", "OrderClosed", *SECOND_ENDS],
            (LEASE_CLOSED, 1, PAYMENT_OVERDRAWN),
        ),
        (
            *("tenant", "PauseGroup"),
            ["GroupPaused", "OrderClosed", "BidClosed", "LeaseClosed", *SECOND_ENDS],
            (LEASE_CLOSED, 1, PAYMENT_OVERDRAWN),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whoever_touches_a_dry_account_ends_the_whole_deployment(
    dry: Any, signer: str, what: str, events: list[str], first_lease: tuple[int, int, int]
) -> None:
    chain = dry
    before = {name: (chain.balance(name), chain.balance(name, "uact")) for name in ("p1", "p2")}
    message_of = {
        "WithdrawLease": lambda: chain.on_lease("WithdrawLease"),
        "CloseBid": lambda: chain.on_lease("CloseBid", reason=10_002),
        "CloseLease": lambda: chain.on_lease("CloseLease"),
        **{name: (lambda msg=msg: msg) for name, msg in closing(chain).items()},
    }
    assert told(chain.must(signer, message_of[what](), fee=50_000)) == events
    assert groups(chain) == [GROUP_DRY, GROUP_DRY]
    assert (lease(chain), lease(chain, "p2", gseq=2)) == (first_lease, DRY)
    assert set(bids(chain).values()) == {CLOSED}
    assert not chain.ask(f"{MARKET}/Orders", filters={"state": "open"}).orders, "a dry group is not relisted"
    fee = 50_000 if signer == "p1" else 0
    after = {name: (chain.balance(name), chain.balance(name, "uact")) for name in ("p1", "p2")}
    assert after["p1"] == (before["p1"][0] + 500_000 - fee, before["p1"][1] + 500_000), "the first takes it all"
    assert after["p2"] == (before["p2"][0] + 500_000, before["p2"][1])
    assert chain.send("tenant", chain.close_deployment()).code == 5


def test_closing_a_group_of_a_dry_account_closes_it_and_starves_the_other(dry: Any) -> None:
    events = ["GroupClosed", "OrderClosed", "BidClosed", "LeaseClosed", "DeploymentClosed", *ALL_OF_A_GROUP]
    assert told(dry.must("tenant", dry.on_group("Close"))) == events
    assert groups(dry) == [GROUP_CLOSED, GROUP_DRY]


# The hook itself.


def inside(chain: Any) -> Context:
    """A message running on top of the chain as it is."""
    state = Layer(chain.app._store.at(chain.app.height))
    return Context(state, chain.app.height + 1, 0, chain.app.genesis, Registry(), Meter(UNLIMITED))


def test_the_end_of_a_bids_account_ends_nothing_else(chain: Any) -> None:
    chain.must("tenant", chain.deployment())
    chain.must("p1", chain.bid())
    bid = chain.ask(f"{MARKET}/Bid", id=chain.bid_id())
    ctx = inside(chain)
    account_closed(ctx, bid.escrow_account)
    assert (ctx.log.events, ctx.store.changes) == ([], {})
    ctx = inside(chain)
    deployment = chain.ask("akash.deployment.v1beta4.Query/Deployment", id={"owner": chain["tenant"], "dseq": 1})
    account_closed(ctx, deployment.escrow_account)
    assert ctx.log.events, "while that of a deployment does"


def test_a_deployment_that_has_ended_does_not_end_again(chain: Any) -> None:
    chain.must("tenant", chain.deployment())
    chain.must("tenant", chain.close_deployment())
    found = chain.ask("akash.deployment.v1beta4.Query/Deployment", id={"owner": chain["tenant"], "dseq": 1})
    ctx = inside(chain)
    account_closed(ctx, found.escrow_account)
    found.escrow_account.id.xid = f"{chain['tenant']}/404"
    account_closed(ctx, found.escrow_account)
    assert (ctx.log.events, ctx.store.changes) == ([], {})
