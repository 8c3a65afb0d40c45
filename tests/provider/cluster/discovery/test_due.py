from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.discovery.due import MANAGER, due

A, B = "discovery.akash.network/pci-10de_2330", "discovery.akash.network/pci-10de_26b9"


def node(labels: dict[str, str], *held: tuple[str, str, set[str]]) -> dict[str, Any]:
    """`held`: manager, operation, keys."""
    managed = [
        {"manager": who, "operation": how, "fieldsV1": {"f:metadata": {"f:labels": {f"f:{key}": {} for key in keys}}}}
        for who, how, keys in held
    ]
    return {"metadata": {"name": "n1", "uid": "u1", "labels": labels, "managedFields": managed}}


@pytest.mark.parametrize(
    ("there", "found", "labels"),
    [
        pytest.param(node({}), {A: "8"}, {A: "8"}, id="a fresh node"),
        pytest.param(node({}), {}, None, id="a node without cards is never written"),
        pytest.param(node({A: "8"}, (MANAGER, "Apply", {A})), {A: "8"}, None, id="as it should be"),
        pytest.param(node({A: "8"}, (MANAGER, "Apply", {A})), {A: "7"}, {A: "7"}, id="one fewer"),
        pytest.param(node({A: "8"}, (MANAGER, "Apply", {A})), {}, {}, id="all gone"),
        pytest.param(node({A: "8"}, (MANAGER, "Apply", {A})), {B: "8"}, {B: "8"}, id="others in their place"),
        pytest.param(node({A: "1"}, ("kubectl-label", "Update", {A})), {A: "8"}, None, id="somebody else's"),
        pytest.param(
            node({A: "1"}, ("kubectl-label", "Update", {A})), {A: "8", B: "1"}, {B: "1"}, id="and one that is free"
        ),
        pytest.param(
            node({A: "8"}, (MANAGER, "Apply", {A}), ("kubectl-label", "Update", {A})), {A: "8"}, None, id="shared"
        ),
        pytest.param(
            node({A: "8"}, (MANAGER, "Update", {A})),
            {A: "8"},
            None,
            id="of our name, but not applied: not ours to drop",
        ),
    ],
)
def test_what_is_applied(there: dict[str, Any], found: dict[str, str], labels: dict[str, str] | None) -> None:
    if labels is None:
        assert due(there, found) is None
    else:
        wanted = {"name": "n1", "uid": "u1", **({"labels": labels} if labels else {})}
        assert due(there, found) == {"apiVersion": "v1", "kind": "Node", "metadata": wanted}
