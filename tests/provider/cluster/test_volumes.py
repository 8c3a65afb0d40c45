from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.volumes import (
    PREFIX,
    Capacity,
    Claim,
    StorageClass,
    capacity,
    claim,
    claimed_by_class,
    classes_on,
    declared,
    free_bytes,
    storage_class,
)
from provider.errors import ConfigError

BETA3 = StorageClass("beta3", default=False, marked=True)
LOCAL = StorageClass("local-path", default=True, marked=False)
GI = 1 << 30


@pytest.mark.parametrize(
    ("name", "default", "marked", "sold"),
    [
        ("beta1", False, False, ("beta1",)),
        ("beta3", True, True, ("beta3", "default")),
        ("local-path", True, False, ("default",)),
        ("fast", False, True, ("fast",)),
        ("secret", False, False, ()),
        ("default", False, True, ("default",)),
    ],
)
def test_under_which_names_a_class_is_sold(name: str, default: bool, marked: bool, sold: tuple[str, ...]) -> None:
    assert StorageClass(name, default, marked).sold_as == sold


def test_read_from_a_cluster() -> None:
    found = storage_class(
        {
            "metadata": {
                "name": "beta2",
                "labels": {"akash.network": "true"},
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "allowedTopologies": [{"matchLabelExpressions": [{"key": "zone", "values": ["x", "y"]}]}],
        }
    )
    assert found == StorageClass("beta2", True, True, ((("zone", frozenset({"x", "y"})),),))
    assert storage_class({"metadata": {"name": "plain"}}) == StorageClass("plain", False, False)


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        (
            {"storageClassName": "beta3", "resources": {"requests": {"storage": "1Gi"}}},
            {"phase": "Bound"},
            ("beta3", GI, True),
        ),
        ({"resources": {"requests": {"storage": "1Gi"}}}, {"capacity": {"storage": "2Gi"}}, ("", 2 * GI, False)),
        ({}, {}, ("", 0, False)),
    ],
)
def test_claims(spec: dict[str, Any], status: dict[str, Any], expected: tuple[str, int, bool]) -> None:
    found = claim({"metadata": {"namespace": "a", "name": "c"}, "spec": spec, "status": status})
    assert (found.storage_class, found.size_bytes, found.bound) == expected


def test_capacity_is_what_the_driver_says_is_left() -> None:
    assert capacity({"storageClassName": "beta3", "capacity": "5Gi"}) == Capacity("beta3", 5 * GI)
    assert capacity({"storageClassName": "beta3"}) == Capacity("beta3", 0)


def test_declared_sizes() -> None:
    assert declared({"beta3": "10Ti"}) == {"beta3": 10 << 40}
    with pytest.raises(ConfigError, match=r"cluster.storage.beta3.*10TB"):
        declared({"beta3": "10TB"})


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param({}, {"beta3", "default"}, id="everywhere unless said otherwise"),
        pytest.param({PREFIX + "beta3": "1"}, {"beta3"}, id="a label somebody put there is believed"),
        pytest.param({PREFIX + "beta1": "1"}, set(), id="... but not for a class the cluster lacks"),
        pytest.param({PREFIX + "beta3": "0"}, {"beta3", "default"}, id="zero is not having it"),
    ],
)
def test_classes_on_a_node(labels: dict[str, str], expected: set[str]) -> None:
    assert classes_on(labels, [BETA3, LOCAL]) == expected


def test_topology_decides_where_a_class_reaches() -> None:
    zoned = StorageClass(
        "beta2", False, False, ((("zone", frozenset({"x"})), ("rack", frozenset({"1"}))), (("zone", frozenset({"y"})),))
    )
    assert classes_on({"zone": "x", "rack": "1"}, [zoned]) == {"beta2"}
    assert classes_on({"zone": "y"}, [zoned]) == {"beta2"}
    assert classes_on({"zone": "x", "rack": "2"}, [zoned]) == frozenset()


def test_what_is_left_before_the_claims_of_leases() -> None:
    lease, other = Claim("l", "c", "beta3", 3 * GI, True), Claim("o", "c", "beta3", 2 * GI, True)
    pending = Claim("l", "d", "beta3", 7 * GI, False)

    def left(declared_bytes: dict[str, int], published: list[Capacity]) -> dict[str, int]:
        return free_bytes([BETA3, LOCAL], declared_bytes, published, [lease, pending], [other])

    assert left({"beta3": 10 * GI}, []) == {"beta3": 8 * GI}, "declared: the whole, less what others claim"
    assert left({"beta3": 1}, []) == {"beta3": 0}
    published = [Capacity("beta3", 4 * GI), Capacity("beta3", GI)]
    assert left({}, published) == {"beta3": 8 * GI}, "published: what remains, plus what leases have of it already"
    assert left({"beta3": 10 * GI}, published) == {"beta3": 8 * GI}, "what is declared goes before what is published"
    assert left({}, []) == {}, "unknown capacity is not sold"
    assert left({"default": GI}, []) == {"default": GI}
    assert left({"local-path": GI}, []) == {"default": GI}, "declared under its own name"
    assert left({"beta1": GI}, []) == {}, "declared, but the cluster has no such class"


def test_claims_by_the_names_they_were_sold_under() -> None:
    both = StorageClass("beta3", default=True, marked=True)
    claims = [Claim("l", "a", "beta3", 1, True), Claim("l", "b", "beta3", 2, False), Claim("l", "c", "gone", 4, True)]
    assert claimed_by_class(claims, [both]) == {"beta3": 3, "default": 3}
