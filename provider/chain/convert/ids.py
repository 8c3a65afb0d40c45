"""Ids, as they come and as they are written."""

from __future__ import annotations

from typing import Any

from manifests.ids import DeploymentID, GroupID, LeaseID, OrderID


def deployment_id(w: Any) -> DeploymentID:
    return DeploymentID(w.owner, w.dseq)


def group_id(w: Any) -> GroupID:
    return GroupID(w.owner, w.dseq, w.gseq)


def order_id(w: Any) -> OrderID:
    return OrderID(w.owner, w.dseq, w.gseq, w.oseq)


def lease_id(w: Any) -> LeaseID:
    return LeaseID(w.owner, w.dseq, w.gseq, w.oseq, w.provider)


def put_deployment_id(w: Any, d: DeploymentID) -> None:
    w.owner, w.dseq = d.owner, d.dseq


def put_group_id(w: Any, g: GroupID) -> None:
    w.owner, w.dseq, w.gseq = g.owner, g.dseq, g.gseq


def put_order_id(w: Any, o: OrderID) -> None:
    w.owner, w.dseq, w.gseq, w.oseq = o.owner, o.dseq, o.gseq, o.oseq


def put_lease_id(w: Any, b: LeaseID) -> None:
    w.owner, w.dseq, w.gseq, w.oseq, w.provider = b.owner, b.dseq, b.gseq, b.oseq, b.provider
