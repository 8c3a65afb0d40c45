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
    held: dict[bool, set[str]] = {True: set(), False: set()}
    for entry in obj["metadata"].get("managedFields") or ():
        applied = entry.get("manager") == manager and entry.get("operation") == "Apply"
        labels = ((entry.get("fieldsV1") or {}).get("f:metadata") or {}).get("f:labels") or {}
        held[applied] |= {key.removeprefix("f:") for key in labels if key.startswith("f:")}
    return frozenset(held[True]), frozenset(held[False])
