"""Escrow as it can be listed: by the beginning of an id, state by state (chain-probes §1 row 10)."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.chain.errors import QueryError

ESCROW = "akash.escrow.v1.Query"
E18 = 10**18


@pytest.fixture
def busy(chain: Any) -> Any:
    """Deployments 1, 2 and 10; 1 and 10 leased by p1, both bid on by p2 (which lost); 2 closed, and 10 run dry.

    1 is leased first: leasing it later would charge it for 10, whose id begins alike (escrow.py).
    """
    for dseq in (10, 2, 1):
        chain.must("tenant", chain.deployment(dseq, deposit=500_000))
    for dseq, price in ((1, E18), (10, 600_000 * E18)):
        chain.must("p1", chain.bid(dseq=dseq, price=price))
        chain.must("p2", chain.bid("p2", dseq=dseq))
        chain.must("tenant", chain.lease(dseq=dseq))
    chain.must("tenant", chain.close_deployment(2))
    chain.must("p1", chain.on_lease("WithdrawLease", dseq=10))
    return chain


def short(chain: Any, xid: str) -> str:
    names = {chain[name]: name for name in chain.keys}
    return "/".join(names.get(part, part) for part in xid.split("/"))


def accounts(chain: Any, xid: str = "", **more: Any) -> list[str]:
    """ "d 1" for the account of deployment 1, "b 1/1/1/p1" for that of a bid on it, in the order of the answer"""
    found = chain.ask(f"{ESCROW}/Accounts", xid=xid.format(t=chain["tenant"], p1=chain["p1"]), **more).accounts
    return [f"{'?db'[a.id.scope]} {short(chain, a.id.xid).removeprefix('tenant/')}" for a in found]


def payments(chain: Any, xid: str = "", **more: Any) -> list[str]:
    found = chain.ask(f"{ESCROW}/Payments", xid=xid.format(t=chain["tenant"], p1=chain["p1"]), **more).payments
    return [f"{short(chain, p.id.aid.xid).removeprefix('tenant/')} {short(chain, p.id.xid)}" for p in found]


def bids(chain: Any, *dseqs: int) -> list[str]:
    order = sorted(("p1", "p2"), key=lambda name: chain[name])
    return [f"b {dseq}/1/1/{name}" for dseq in dseqs for name in order]


@pytest.mark.parametrize(
    ("xid", "state", "bids_of", "deployments"),
    [
        ("deployment/{t}/1", "", (), ["d 1", "d 10"]),
        ("deployment/{t}/10", "", (), ["d 10"]),
        ("deployment/{t}/3", "", (), []),
        ("deployment/{t}/", "open", (), ["d 1"]),
        ("deployment/{t}/", "closed", (), ["d 2"]),
        ("deployment/{t}/", "overdrawn", (), ["d 10"]),
        ("deployment", "", (), ["d 1", "d 2", "d 10"]),
        ("dep", "", (), ["d 1", "d 2", "d 10"]),
        ("deployment/akash1", "closed", (), ["d 2"]),
        ("bid/{t}/10/", "closed", (10,), []),
        ("bid/{t}/1/1/1/{p1}", "open", "p1", []),
        ("{t}/1", "", (), []),
        ("lease/{t}/1", "", (), []),
        ("deployment/{t}/1/1", "", (), []),
    ],
)
def test_accounts_by_the_beginning_of_their_id(
    busy: Any, xid: str, state: str, bids_of: Any, deployments: list[str]
) -> None:
    wanted = ["b 1/1/1/p1"] if bids_of == "p1" else bids(busy, *bids_of) + deployments
    assert accounts(busy, xid, state=state) == wanted


def test_everything_comes_state_by_state_and_bids_before_deployments(busy: Any) -> None:
    """Open: the one bid that was leased and still is; closed: those that lost or ended; overdrawn: one deployment."""
    closed = [bid for bid in bids(busy, 1, 10) if bid != "b 1/1/1/p1"]
    assert accounts(busy) == ["b 1/1/1/p1", "d 1", *closed, "d 2", "d 10"]


@pytest.mark.parametrize(
    ("xid", "state", "found"),
    [
        ("", "", ["1 1/1/p1", "10 1/1/p1"]),
        ("", "open", ["1 1/1/p1"]),
        ("", "overdrawn", ["10 1/1/p1"]),
        ("", "closed", []),
        ("deployment/{t}/1", "", ["1 1/1/p1", "10 1/1/p1"]),
        ("deployment/{t}/1/1/1/{p1}", "", ["1 1/1/p1"]),
        ("deployment/{t}/10/1/2", "", []),
        ("bid/{t}", "", []),
    ],
)
def test_payments_by_the_beginning_of_their_accounts_id(busy: Any, xid: str, state: str, found: list[str]) -> None:
    assert payments(busy, xid, state=state) == found


def test_a_payment_says_what_is_paid_to_whom(busy: Any) -> None:
    (found,) = busy.ask(f"{ESCROW}/Payments", state="overdrawn").payments
    assert (found.id.aid.scope, found.state.owner, found.state.withdrawn.amount) == (1, busy["p1"], "500000")


@pytest.mark.parametrize("what", [accounts, payments])
def test_pages_together_are_the_list(busy: Any, what: Any) -> None:
    method, field = (f"{ESCROW}/{what.__name__.title()}", what.__name__)
    whole = list(getattr(busy.ask(method), field))
    assert len(whole) == (7 if what is accounts else 2)
    seen: list[Any] = []
    key = b""
    for _ in whole:
        found = busy.ask(method, pagination={"limit": 1, "key": key})
        assert found.pagination.total == 1
        seen += getattr(found, field)
        key = found.pagination.next_key
    assert (seen, key) == (whole, b"")


@pytest.mark.parametrize("method", ["Accounts", "Payments"])
@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ({"state": "active"}, "invalid state value"),
        ({"state": "invalid"}, "invalid state value"),
        (
            {"pagination": {"offset": 1}},
            "invalid request parameters. if offset is set, filter.state must be provided",
        ),
    ],
)
def test_lists_that_are_refused(busy: Any, method: str, request_: dict[str, Any], text: str) -> None:
    with pytest.raises(QueryError) as no:
        busy.ask(f"{ESCROW}/{method}", **request_)
    assert (no.value.status, no.value.text) == ("INVALID_ARGUMENT", text)


def test_an_offset_counts_within_a_state(busy: Any) -> None:
    whole = accounts(busy, state="closed")
    assert accounts(busy, state="closed", pagination={"offset": 2}) == whole[2:]
