"""What the daemon will mend by itself is named, and nothing else."""

from __future__ import annotations

from manifests.ids import LeaseID, OrderID
from provider.market.money.strays import in_cluster, of_bids

A, B, C, D = (LeaseID("akash1t", n, 1, 1, "akash1us") for n in range(1, 5))


def test_what_stands_in_the_cluster_for_no_lease() -> None:
    found = [(d.name, d.ledger) for d in in_cluster({A}, {A, B}, {A, B, C})]
    assert found == [(str(B), "manifest and namespace"), (str(C), "namespace")]


def test_a_lease_that_should_run_and_one_whose_tenant_is_late() -> None:
    assert [(d.name, d.ledger) for d in in_cluster({A, D}, {A}, set())] == [(str(A), "manifest without namespace")]


def test_bids_on_one_side_only() -> None:
    one, two = OrderID("akash1t", 1, 1, 1), OrderID("akash1t", 2, 1, 1)
    assert [(d.name, d.chain, d.ledger) for d in of_bids({one}, {two})] == [
        (str(one), "open", "unknown"), (str(two), "not open", "open"),
    ]  # fmt: skip
    assert list(of_bids({one}, {one})) == []
    assert all(not d.entries for d in of_bids({one}, {two}))
