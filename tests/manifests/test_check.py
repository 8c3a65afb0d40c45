"""Groups and manifests in themselves: each limit from both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from manifests.check import check_groups, check_manifest, valid_denom
from manifests.coins import E18, DecCoin
from manifests.errors import ManifestInvalid
from manifests.manifest import Expose, HttpOptions, Manifest, ManifestGroup, Service
from manifests.resources import Attribute, Cpu, Gpu, GroupSpec, Memory, Requirements, Resources, ResourceUnit, Storage
from manifests.units import MIB, TIB

RESOURCES = Resources(1, Cpu(100), Memory(64 * MIB), (Storage("default", 128 * MIB),), Gpu())
UNIT = ResourceUnit(RESOURCES, 1, DecCoin("uact", E18))
GROUP = GroupSpec("here", Requirements(), (UNIT,))
CARD = (Attribute("vendor/nvidia/model/*", "true"),)


def unit(count: int = 1, price: DecCoin = UNIT.price, **resources: Any) -> GroupSpec:
    return replace(GROUP, resources=(ResourceUnit(replace(RESOURCES, **resources), count, price),))


@pytest.mark.parametrize(
    "group",
    [
        GROUP,
        unit(cpu=Cpu(10)),
        unit(cpu=Cpu(384_000)),
        unit(memory=Memory(MIB)),
        unit(memory=Memory(2 * TIB)),
        unit(storage=(Storage("a", 5 * MIB), Storage("b", 32 * TIB))),
        unit(gpu=Gpu(24, CARD)),
        unit(price=DecCoin("uact", 0)),
        unit(price=DecCoin("uact", 10**7 * E18)),
        unit(cpu=Cpu(384_000), count=50),
        unit(count=1000),
        unit(gpu=Gpu(24, CARD), count=50),
        unit(memory=Memory(2 * TIB), count=50),
        unit(cpu=Cpu(100, (Attribute("arch", "anything at all"),))),
    ],
)
def test_groups_accepted(group: GroupSpec) -> None:
    check_groups([group])


@pytest.mark.parametrize(
    ("groups", "path"),
    [
        ([], "groups"),
        ([replace(GROUP, name="")], "groups[0].name"),
        ([replace(GROUP, resources=())], "groups[0]"),
        ([unit(id=0)], "groups[0].resources[0].id"),
        ([replace(GROUP, resources=(UNIT, UNIT))], "groups[0].resources[1].id"),
        ([unit(cpu=Cpu(9))], "groups[0].resources[0].cpu"),
        ([unit(cpu=Cpu(384_001))], "groups[0].resources[0].cpu"),
        ([unit(cpu=Cpu(100, (Attribute("9", "x"),)))], "groups[0].resources[0].cpu"),
        ([unit(memory=Memory(MIB - 1))], "groups[0].resources[0].memory"),
        ([unit(memory=Memory(2 * TIB + 1))], "groups[0].resources[0].memory"),
        ([unit(storage=())], "groups[0].resources[0].storage"),
        ([unit(storage=(Storage("a", 5 * MIB - 1),))], "groups[0].resources[0].storage[0].size"),
        ([unit(storage=(Storage("a", 32 * TIB + 1),))], "groups[0].resources[0].storage[0].size"),
        ([unit(gpu=Gpu(25, CARD))], "groups[0].resources[0].gpu"),
        ([unit(gpu=Gpu(0, CARD))], "groups[0].resources[0].gpu"),
        ([unit(gpu=Gpu(1, CARD * 2))], "groups[0].resources[0].gpu"),
        ([unit(price=DecCoin("uact", -1))], "groups[0].resources[0].price.amount"),
        ([unit(price=DecCoin("uact", 10**7 * E18 + 1))], "groups[0].resources[0].price.amount"),
        ([unit(price=DecCoin("x", 1))], "groups[0].resources[0].price.denom"),
        ([unit(count=0)], "groups[0]"),
        ([unit(cpu=Cpu(384_000), count=51)], "groups[0]"),
        ([unit(gpu=Gpu(24, CARD), count=51)], "groups[0]"),
        ([unit(memory=Memory(2 * TIB), count=51)], "groups[0]"),
        ([GROUP, GROUP], "groups[1].name"),
        ([GROUP, replace(unit(price=DecCoin("uakt", 1)), name="b")], "groups[1]"),
        (
            [replace(GROUP, resources=(UNIT, ResourceUnit(replace(RESOURCES, id=2), 1, DecCoin("uakt", 1))))],
            "groups[0].resources[1].price.denom",
        ),
    ],
)
def test_groups_refused(groups: list[GroupSpec], path: str) -> None:
    with pytest.raises(ManifestInvalid) as refused:
        check_groups(groups)
    assert refused.value.path == path


EXPOSE = Expose(80, 0, "TCP", "", True, None, HttpOptions(), "", 0)
SERVICE = Service("web", "web:1", None, None, None, RESOURCES, 1, (EXPOSE,))


def manifest(*services: Service) -> Manifest:
    return (ManifestGroup("here", services),)


def exposing(*exposes: Expose) -> Manifest:
    return manifest(replace(SERVICE, expose=exposes))


@pytest.mark.parametrize(
    "accepted",
    [
        manifest(SERVICE),
        manifest(replace(SERVICE, name="a", expose=()), SERVICE),
        manifest(SERVICE, replace(SERVICE, expose=())),  # two of one name, which the reference does not mind
        manifest(replace(SERVICE, env=("A", "a.b-c=1", "-x=", "_=1"))),
        exposing(replace(EXPOSE, port=1), replace(EXPOSE, port=65535, external_port=70000)),
        exposing(EXPOSE, replace(EXPOSE, global_=False)),
        exposing(replace(EXPOSE, hosts=("a.com", "b.com"))),
    ],
)
def test_manifests_accepted(accepted: Manifest) -> None:
    check_manifest(accepted)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ((), ""),
        (manifest(), "[0].services"),
        (manifest(SERVICE) * 2, "[1].name"),
        (manifest(SERVICE, replace(SERVICE, name="a")), "[0].services[1].name"),
        (manifest(replace(SERVICE, name="Web")), "[0].services[0].name"),
        (manifest(replace(SERVICE, name="web-")), "[0].services[0].name"),
        (manifest(replace(SERVICE, name="web\n")), "[0].services[0].name"),
        (manifest(replace(SERVICE, image="")), "[0].services[0].image"),
        (manifest(replace(SERVICE, resources=replace(RESOURCES, id=0))), "[0].services[0].resources.id"),
        (manifest(replace(SERVICE, env=("A=1", "=2"))), "[0].services[0].env[1]"),
        (manifest(replace(SERVICE, env=(".",))), "[0].services[0].env[0]"),
        (exposing(replace(EXPOSE, port=0)), "[0].services[0].expose[0].port"),
        (exposing(replace(EXPOSE, port=65536)), "[0].services[0].expose[0].port"),
        (exposing(replace(EXPOSE, proto="tcp")), "[0].services[0].expose[0].proto"),
        (exposing(replace(EXPOSE, port=81), EXPOSE), "[0].services[0].expose[1]"),
        (exposing(replace(EXPOSE, global_=False), EXPOSE), "[0].services[0].expose[1]"),
        (exposing(replace(EXPOSE, hosts=("a.com", "A.com"))), "[0].services[0].expose[0].hosts[1]"),
        (
            exposing(replace(EXPOSE, hosts=("a.com",)), replace(EXPOSE, port=81, hosts=("a.com",))),
            "[0].services[0].expose[1].hosts[0]",
        ),
        (exposing(replace(EXPOSE, global_=False)), ""),
    ],
)
def test_manifests_refused(wrong: Manifest, path: str) -> None:
    with pytest.raises(ManifestInvalid) as refused:
        check_manifest(wrong)
    assert refused.value.path == path


def test_denominations() -> None:
    assert [valid_denom(d) for d in ("uact", "ibc/1:2._-", "ua", "1ab", "u act", "a" * 128, "a" * 129)] == [
        True,
        True,
        False,
        False,
        False,
        True,
        False,
    ]
