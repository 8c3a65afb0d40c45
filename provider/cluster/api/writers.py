"""Who has written an object, read from its managedFields. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provider.cluster.api.kube import FIELD_MANAGER

REFERENCE = "provider-services"
"""What the reference's programs, its operators included, call themselves as writers of fields."""

TAKEOVER = "akash-provider-takeover"
"""What the daemon calls itself when it replaces what the reference wrote; it holds nothing by that name afterwards."""


def ours(obj: Mapping[str, Any]) -> bool:
    """Whether the daemon has applied the object before."""
    managed = obj["metadata"].get("managedFields") or []
    return any(entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" for entry in managed)


def without_reference(obj: Mapping[str, Any]) -> list[Any] | None:
    """The object's managedFields without what the reference or a take-over holds; None when they hold nothing."""
    managed = obj["metadata"].get("managedFields") or []
    left = [entry for entry in managed if entry.get("manager") not in (REFERENCE, TAKEOVER) or entry.get("subresource")]
    return left if len(left) < len(managed) else None


def label_holders(obj: Mapping[str, Any], manager: str = FIELD_MANAGER) -> tuple[frozenset[str], frozenset[str]]:
    """The labels that `manager` has applied, and those that anybody else holds; some may be both."""
    held = [(entry, _labels(entry)) for entry in obj["metadata"].get("managedFields") or ()]
    ours = [labels for entry, labels in held if _applied(entry, manager)]
    theirs = [labels for entry, labels in held if not _applied(entry, manager)]
    return frozenset().union(*ours), frozenset().union(*theirs)


def labels_of_reference(obj: Mapping[str, Any]) -> frozenset[str]:
    """The labels that the reference's inventory operator has written and nobody besides but the daemon holds."""
    held = [(entry.get("manager"), _labels(entry)) for entry in obj["metadata"].get("managedFields") or ()]
    theirs = frozenset[str]().union(*(labels for manager, labels in held if manager == REFERENCE))
    return theirs.difference(*(labels for manager, labels in held if manager not in (REFERENCE, FIELD_MANAGER)))


def _applied(entry: Mapping[str, Any], manager: str) -> bool:
    return entry.get("manager") == manager and entry.get("operation") == "Apply"


def _labels(entry: Mapping[str, Any]) -> frozenset[str]:
    found = ((entry.get("fieldsV1") or {}).get("f:metadata") or {}).get("f:labels") or {}
    return frozenset(key.removeprefix("f:") for key in found if key.startswith("f:"))
