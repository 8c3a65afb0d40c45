"""What the cluster and the record of decisions say of leases and bids that the chain does not, and the other way about.
Pure. Nothing of it is mended by hand: a running daemon does it, and each finding says when."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from manifests.ids import LeaseID, OrderID
from provider.market.money.drift import Drift


def in_cluster(
    live: Collection[LeaseID], manifests: Collection[LeaseID], namespaces: Collection[LeaseID]
) -> Iterator[Drift]:
    """`live` as the chain says; the others as the cluster has them. A lease whose tenant has sent no manifest yet
    stands nowhere in the cluster, and that is no drift."""
    for lease in sorted({*manifests, *namespaces} - set(live)):
        where = [name for name, found in (("manifest", manifests), ("namespace", namespaces)) if lease in found]
        cure = "The daemon takes it down as soon as two nodes say that the lease is over."
        yield Drift("cluster", str(lease), "no live lease", " and ".join(where), cure)
    for lease in sorted(set(manifests) & set(live) - set(namespaces)):
        yield Drift("cluster", str(lease), "live", "manifest without namespace", "The daemon deploys it.")


def of_bids(on_chain: Collection[OrderID], in_ledger: Collection[OrderID]) -> Iterator[Drift]:
    """Orders with an open bid of ours, as the chain says and as the ledger's decisions stand."""
    for order in sorted(set(on_chain) - set(in_ledger)):
        cure = "None needed: the daemon keeps its room, or closes it; it was not made by this daemon."
        yield Drift("bid", str(order), "open", "unknown", cure)
    for order in sorted(set(in_ledger) - set(on_chain)):
        yield Drift("bid", str(order), "not open", "open", "The daemon finds out what became of it when it starts.")
