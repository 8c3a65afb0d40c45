from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.inventory.capacities import Capacity, Published
from provider.cluster.inventory.volumes import (
    PREFIX,
    Claim,
    StorageClass,
    actual_names,
    claim,
    claimed_by_class,
    classes_on,
    declared,
    free_bytes,
    largest_bytes,
    offered,
    same_storage,
    storage_class,
    unsold,
)

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


def test_where_a_driver_publishes_only_those_nodes_reach_the_class() -> None:
    assert classes_on({}, [BETA3], Published([Capacity("beta3", GI)])) == {"beta3"}
    assert classes_on({}, [BETA3], Published([Capacity("beta3", GI, None)])) == frozenset()
    assert classes_on({}, [BETA3], Published([Capacity("other", GI, None)])) == {"beta3"}, (
        "of this class nothing is published"
    )


def test_the_largest_volume_is_bound_by_its_part() -> None:
    a, b = (("zone", "In", frozenset({name})) for name in "ab")
    published = Published(
        [Capacity("beta3", 9 * GI, (a,), 5 * GI), Capacity("beta3", 2 * GI, (a,)), Capacity("beta3", GI, (b,))]
    )
    assert largest_bytes({"zone": "a"}, [BETA3, LOCAL], published) == {"beta3": 5 * GI}
    assert largest_bytes({"zone": "b"}, [BETA3], published) == {"beta3": GI}
    assert largest_bytes({"zone": "c"}, [BETA3], published) == {"beta3": 0}
    assert largest_bytes({}, [BETA3], Published()) == {}, "no bound is known"


FAST, SLOW = StorageClass("fast-nvme", False, False), StorageClass("slow-hdd", True, False, created="2026-01-01")


def test_classes_are_sold_under_the_operators_names_several_at_once() -> None:
    found = offered([FAST, SLOW, BETA3], {"beta3": "fast-nvme", "beta1": "slow-hdd", "beta2": "gone"})
    assert {cls.name: cls.sold_as for cls in found} == {
        "fast-nvme": ("beta3",),
        "slow-hdd": ("default", "beta1"),
        "beta3": (),
    }, "the class that happens to be called beta3 is not sold as what another one is"
    assert actual_names(found) == {"beta3": "fast-nvme", "beta1": "slow-hdd"}
    assert free_bytes(found, {"beta3": 5 * GI, "slow-hdd": 7 * GI}, Published(), [], []) == {
        "beta3": 5 * GI,
        "default": 7 * GI,
        "beta1": 7 * GI,
    }
    assert claimed_by_class([Claim("l", "a", "fast-nvme", 3, True)], found) == {"beta3": 3}


def test_the_newest_default_is_the_default() -> None:
    """As Kubernetes chooses when two classes are marked; a class that is merely called `default` is none then."""
    newer = StorageClass("newer", True, False, created="2026-02-02")
    found = offered([SLOW, newer, StorageClass("default", False, False)], {})
    assert {cls.name: cls.sold_as for cls in found} == {"slow-hdd": (), "newer": ("default",), "default": ()}
    assert actual_names(found) == {}, "a claim gets the default by naming no class"
    assert offered([SLOW], {"default": "slow-hdd"})[0].sold_as == ("default",)


def test_a_default_that_the_cluster_does_not_know_as_such_is_named_in_the_claim() -> None:
    assert actual_names(offered([StorageClass("default", False, False)], {})) == {"default": "default"}
    assert actual_names(offered([FAST, SLOW], {"default": "fast-nvme"})) == {"default": "fast-nvme"}


def test_why_a_class_is_not_sold() -> None:
    classes = offered([BETA3, FAST], {"beta2": "gone"})
    found = unsold(classes, {"beta2": "gone"}, {})
    assert found.keys() == {"beta2", "beta3"}
    assert "no StorageClass gone" in found["beta2"]
    assert "cluster.storage" in found["beta3"]
    assert unsold(offered([BETA3], {}), {}, {"beta3": 0}) == {}, "sold out is not unsold"


def test_declared_sizes() -> None:
    assert declared({"beta3": "10Ti", "beta2": "0"}) == {"beta3": 10 << 40, "beta2": 0}


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
    assert classes_on(labels, [BETA3, LOCAL], Published()) == expected


def test_topology_decides_where_a_class_reaches() -> None:
    zoned = StorageClass(
        "beta2", False, False, ((("zone", frozenset({"x"})), ("rack", frozenset({"1"}))), (("zone", frozenset({"y"})),))
    )
    assert classes_on({"zone": "x", "rack": "1"}, [zoned], Published()) == {"beta2"}
    assert classes_on({"zone": "y"}, [zoned], Published()) == {"beta2"}
    assert classes_on({"zone": "x", "rack": "2"}, [zoned], Published()) == frozenset()


def test_what_is_left_before_the_claims_of_leases() -> None:
    lease, other = Claim("l", "c", "beta3", 3 * GI, True), Claim("o", "c", "beta3", 2 * GI, True)
    pending = Claim("l", "d", "beta3", 7 * GI, False)

    def left(declared_bytes: dict[str, int], published: list[Capacity]) -> dict[str, int]:
        return free_bytes([BETA3, LOCAL], declared_bytes, Published(published), [lease, pending], [other])

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
    assert claimed_by_class(claims, [both]) == {"beta3": 3}
    assert same_storage([both, StorageClass("beta2", default=False, marked=True)]) == {"default": "beta3"}


def test_a_class_sold_under_two_names_has_one_size() -> None:
    both = StorageClass("beta3", default=True, marked=True)
    for name in ("beta3", "default"):
        assert free_bytes([both], {name: 5}, Published(), [], []) == {"beta3": 5, "default": 5}
