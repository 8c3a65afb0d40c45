"""A lease's namespace, and, when it is going, what it still waits for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from manifests.ids import LeaseID
from manifests.render.names import lease_of
from provider.cluster.api.kinds import NAMESPACE
from provider.cluster.api.marks import mark
from provider.cluster.api.times import unix_s


@dataclass(frozen=True, slots=True)
class Namespace:
    """`going_since_unix_s` is 0 while nobody has asked for its deletion; `waits_for` the namespace controller's own
    words for what holds it up."""

    name: str
    lease: LeaseID
    made_unix_s: int = 0
    going_since_unix_s: int = 0
    waits_for: str = ""
    mark: int = 0
    """of its labels (marks.py)"""

    @property
    def going(self) -> bool:
        return self.going_since_unix_s > 0


def namespace_facts(obj: Mapping[str, Any]) -> Namespace | None:
    """None for a namespace of ours that is no lease's."""
    metadata = obj["metadata"]
    lease = lease_of(metadata.get("labels") or {})
    if lease is None:
        return None
    going = unix_s(metadata.get("deletionTimestamp"))
    return Namespace(
        metadata["name"],
        lease,
        unix_s(metadata.get("creationTimestamp")),
        going,
        _waits_for(obj.get("status") or {}) if going else "",
        mark(NAMESPACE, obj),
    )


def _waits_for(status: Mapping[str, Any]) -> str:
    conditions = status.get("conditions") or ()
    said = [c.get("message", "") for c in conditions if c.get("status") == "True" and c.get("message")]
    return "; ".join(said) or "its content is being deleted"
