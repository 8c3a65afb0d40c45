"""A manifest against what was sold: no more, and no less."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from manifests.agreement import check_agreement
from manifests.coins import E18, DecCoin
from manifests.errors import ManifestInvalid
from manifests.manifest import Expose, HttpOptions, Manifest, ManifestGroup, Service
from manifests.resources import (
    Attribute,
    Cpu,
    Endpoint,
    EndpointKind,
    Gpu,
    GroupSpec,
    Memory,
    Requirements,
    Resources,
    ResourceUnit,
    Storage,
)

HTTP, PORT, IP = (Endpoint(kind) for kind in EndpointKind)
SOLD = Resources(1, Cpu(100), Memory(2), (Storage("a", 1), Storage("b", 2)), Gpu(), (HTTP, PORT, IP))
GROUP = GroupSpec("here", Requirements(), (ResourceUnit(SOLD, 3, DecCoin("uact", E18)),))
WEB = Expose(80, 0, "TCP", "", True, None, HttpOptions(), "", 0)
NODE = replace(WEB, port=81, ip="front", endpoint_sequence_number=9)
SERVICE = Service("web", "web:1", None, None, None, SOLD, 3, (WEB, NODE))


def manifest(*services: Service) -> Manifest:
    return (ManifestGroup("here", services),)


def with_(**resources: Any) -> Manifest:
    return manifest(replace(SERVICE, resources=replace(SOLD, **resources)))


PRIVATE = replace(WEB, global_=False)
HALF = replace(SERVICE, name="a", count=1, expose=(WEB,))


@pytest.mark.parametrize(
    "agreed",
    [
        manifest(SERVICE),
        manifest(replace(SERVICE, image="other", env=("A=b",), args=())),
        manifest(replace(SERVICE, expose=(PRIVATE, WEB, replace(NODE, port=9999, external_port=5, proto="UDP")))),
        manifest(HALF, replace(SERVICE, count=2, expose=(NODE,))),
        with_(storage=SOLD.storage[:1]),
    ],
)
def test_agreed(agreed: Manifest) -> None:
    check_agreement(agreed, [GROUP])


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ((), ""),
        (manifest(SERVICE) * 2, ""),
        ((ManifestGroup("there", (SERVICE,)),), "[0].name"),
        (with_(id=2), "[0].services[0].resources.id"),
        (with_(cpu=Cpu(101)), "[0].services[0].resources.cpu"),
        (with_(cpu=Cpu(100, (Attribute("arch", "arm64"),))), "[0].services[0].resources.cpu"),
        (with_(memory=Memory(1)), "[0].services[0].resources.memory"),
        (with_(gpu=Gpu(1)), "[0].services[0].resources.gpu"),
        (with_(storage=(*SOLD.storage, Storage("c", 3))), "[0].services[0].resources.storage"),
        (with_(storage=SOLD.storage[::-1]), "[0].services[0].resources.storage[0]"),
        (manifest(replace(SERVICE, count=4)), "[0].services[0].count"),
        (manifest(replace(SERVICE, count=2)), "[0]"),
        (manifest(replace(SERVICE, expose=(WEB, WEB, NODE))), "[0].services[0].expose[1]"),
        (manifest(replace(SERVICE, expose=(WEB, NODE, NODE))), "[0].services[0].expose[2]"),
        (manifest(replace(SERVICE, expose=(replace(WEB, ip="front"), NODE))), "[0].services[0].expose[1]"),
        (manifest(replace(SERVICE, expose=(WEB,))), "[0]"),
        (manifest(replace(SERVICE, expose=(WEB, replace(NODE, ip="")))), "[0]"),
        (manifest(SERVICE, HALF), "[0].services[1].count"),
    ],
)
def test_disagreed(wrong: Manifest, path: str) -> None:
    with pytest.raises(ManifestInvalid) as refused:
        check_agreement(wrong, [GROUP])
    assert refused.value.path == path
