"""What should stand on chain: the operator's words, the cluster's cards and classes, and what of the rest stays."""

from __future__ import annotations

from manifests.attributes import gpu_capabilities, gpu_granted, storage_granted, storage_groups
from manifests.gpus import GpuModel
from manifests.resources import Attribute, Attributes, Gpu, Storage
from provider.cluster.inventory.capabilities import Capabilities
from provider.market.standing.attributes import Drift, drift

A100 = GpuModel("nvidia", "a100", "80Gi", "sxm")
T4 = GpuModel("nvidia", "t4")
NOTHING = Capabilities(frozenset(), frozenset())
RAM = {"capabilities/storage/1/class": "ram", "capabilities/storage/1/persistent": "false"}


def pairs(**given: str) -> Attributes:
    return of(given)


def of(given: dict[str, str]) -> Attributes:
    return tuple(Attribute(k, v) for k, v in given.items())


def wanted(found: Drift) -> dict[str, str]:
    return {a.key: a.value for a in found.wanted}


def test_the_operators_words_are_added_and_changed() -> None:
    found = drift(pairs(region="us-east", tier="community"), {"region": "us-west", "host": "akash"}, None)
    assert found.added == pairs(host="akash")
    assert found.changed == pairs(region="us-west")
    assert found.was["region"] == "us-east"
    assert found.only_on_chain == pairs(tier="community")
    assert wanted(found) == {"host": "akash", "region": "us-west", "tier": "community"}


def test_what_stands_only_on_chain_is_taken_off_when_that_is_wanted() -> None:
    found = drift(pairs(region="us-west", tier="community"), {"region": "us-west"}, None, prune=True)
    assert found.removed == pairs(tier="community") == found.changes
    assert wanted(found) == {"region": "us-west"}


def test_nothing_to_change_is_no_drift_and_the_second_time_never_is() -> None:
    offered = Capabilities(frozenset({A100, T4}), frozenset({"beta3", "default"}))
    first = drift((), {"region": "us-west"}, offered)
    assert first.changes == first.wanted
    assert drift(first.wanted, {"region": "us-west"}, offered).changes == ()


def test_a_card_grants_every_way_of_asking_for_it() -> None:
    cards = gpu_capabilities(drift((), {}, Capabilities(frozenset({A100}), frozenset())).wanted)
    base = "vendor/nvidia/model/"
    for asked in ("*", "a100", "a100/ram/80Gi", "a100/interface/sxm", "a100/ram/80Gi/interface/sxm"):
        assert gpu_granted(Gpu(1, (Attribute(base + asked, "true"),)), cards), asked
    for asked in ("h100", "a100/ram/40Gi", "a100/interface/pcie"):
        assert not gpu_granted(Gpu(1, (Attribute(base + asked, "true"),)), cards), asked


def test_a_card_of_unknown_memory_is_published_in_one_form() -> None:
    found = drift((), RAM, Capabilities(frozenset({T4}), frozenset()))
    assert [a.key for a in found.wanted if "gpu" in a.key] == ["capabilities/gpu/vendor/nvidia/model/t4"]


def test_storage_grants_volumes_of_its_class() -> None:
    kinds = storage_groups(drift((), {}, Capabilities(frozenset(), frozenset({"beta2", "beta3"}))).wanted)

    def volume(cls: str, persistent: str) -> Storage:
        return Storage("data", 1, pairs(**{"class": cls, "persistent": persistent}))

    assert storage_granted(volume("beta2", "true"), kinds)
    assert storage_granted(volume("beta3", "true"), kinds)
    assert storage_granted(volume("ram", "false"), kinds)
    assert not storage_granted(volume("beta1", "true"), kinds)
    assert not storage_granted(volume("ram", "true"), kinds)


def test_classes_keep_the_numbers_they_have_on_chain() -> None:
    def numbered(number: int, name: str, persistent: str = "true") -> Attributes:
        head = f"capabilities/storage/{number}/"
        return of({f"{head}class": name, f"{head}persistent": persistent})

    on_chain = (*numbered(1, "beta3"), *numbered(2, "ram", "false"))
    found = drift(on_chain, {}, Capabilities(frozenset(), frozenset({"beta2", "beta3"})))
    assert found.added == numbered(3, "beta2") == found.changes


def test_what_the_cluster_no_longer_has_is_taken_off() -> None:
    before = drift((), {}, Capabilities(frozenset({A100, T4}), frozenset({"beta3"}))).wanted
    found = drift(before, {}, Capabilities(frozenset({T4}), frozenset()))
    assert {a.key.split("/")[5] for a in found.removed if "gpu" in a.key} == {"a100"}
    assert "beta3" not in wanted(found).values()
    assert found.only_on_chain == ()


def test_the_operators_word_about_a_capability_wins() -> None:
    key = "capabilities/gpu/vendor/nvidia/model/t4"
    assert wanted(drift((), {key: "false"}, Capabilities(frozenset({T4}), frozenset())))[key] == "false"
    assert key in wanted(drift((), {key: "true"}, NOTHING))


def test_without_looking_at_the_cluster_capabilities_on_chain_are_the_operators() -> None:
    before = drift((), {}, Capabilities(frozenset({T4}), frozenset({"beta3"}))).wanted
    assert drift(before, {}, None).changes == ()
