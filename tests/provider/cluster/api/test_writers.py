"""Who has written an object."""

from __future__ import annotations

from typing import Any

from provider.cluster.api.kube import FIELD_MANAGER
from provider.cluster.api.writers import (
    REFERENCE,
    TAKEOVER,
    label_holders,
    labels_of_reference,
    ours,
    without_reference,
)


def entry(manager: str, operation: str = "Update", **rest: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, **rest}


def obj(*managed: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"managedFields": list(managed)}}


def test_ours_is_what_we_applied_not_what_we_once_created() -> None:
    assert ours(obj(entry(REFERENCE), entry(FIELD_MANAGER, "Apply")))
    assert not ours(obj(entry(FIELD_MANAGER), entry(REFERENCE)))
    assert not ours({"metadata": {}})


def test_what_the_reference_and_a_take_over_hold_is_left_out_but_not_what_they_say_of_a_status() -> None:
    status = entry(REFERENCE, subresource="status")
    kept = [entry(FIELD_MANAGER, "Apply"), entry("kube-controller-manager"), status]
    assert without_reference(obj(entry(REFERENCE), *kept, entry(TAKEOVER))) == kept
    assert without_reference(obj(*kept)) is None
    assert without_reference({"metadata": {}}) is None


def labels(*keys: str) -> dict[str, Any]:
    return {"f:metadata": {"f:labels": {".": {}, **{f"f:{key}": {} for key in keys}}}}


def test_who_holds_which_label() -> None:
    node = obj(
        entry(FIELD_MANAGER, "Apply", fieldsV1=labels("a", "b")),
        entry("else", "Apply", fieldsV1=labels("c")),
        entry(FIELD_MANAGER, fieldsV1=labels("d")),
        entry("kubectl-label", fieldsV1=labels("b")),
        entry("kubelet", fieldsV1={"f:status": {}}, subresource="status"),
        entry("kubelet"),
    )
    assert label_holders(node) == ({"a", "b"}, {"b", "c", "d"})
    assert label_holders(node, "else") == ({"c"}, {"a", "b", "d"})
    assert label_holders({"metadata": {}}) == (frozenset(), frozenset())


def test_what_a_person_has_labelled_too_is_not_the_references_conclusion() -> None:
    node = obj(
        entry(REFERENCE, fieldsV1=labels("alone", "and-us", "and-a-person")),
        entry(FIELD_MANAGER, "Apply", fieldsV1=labels("and-us", "us")),
        entry("kubectl-label", fieldsV1=labels("and-a-person", "a-person")),
    )
    assert labels_of_reference(node) == {"alone", "and-us"}
    assert labels_of_reference({"metadata": {}}) == frozenset()
