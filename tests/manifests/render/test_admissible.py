from __future__ import annotations

import pytest

from manifests.errors import ManifestInvalid
from manifests.render import check_renderable


@pytest.mark.parametrize(
    ("case", "length", "make"),
    [
        ("plain", 63, lambda b, name: b.service(name, b.expose(80))),
        ("node port", 60, lambda b, name: b.service(name, b.expose(22))),
        ("volumes", 52, lambda b, name: b.service(name, resources=b.resources(b.persistent("d")))),
        ("leased ip", 50, lambda b, name: b.service(name, b.expose(80, ip="mine"))),
    ],
)
def test_a_name_may_be_as_long_as_what_it_becomes_part_of(build, case, length, make):
    check_renderable(build.group(make(build, "w" * length)))
    with pytest.raises(ManifestInvalid, match=str(length)) as no:
        check_renderable(build.group(make(build, "w" * (length + 1))), "[0]")
    assert no.value.path == "[0].services[0].name"


@pytest.mark.parametrize(
    ("case", "mounts"),
    [
        ("no such volume", [("nowhere", "/data")]),
        ("two at one path", [("default", "/data"), ("more", "/data")]),
        ("a colon", [("default", "/data:ro")]),
    ],
)
def test_mounts_that_no_pod_could_have_are_refused(build, case, mounts):
    resources = build.resources(build.volume("default"), build.volume("more"))
    with pytest.raises(ManifestInvalid) as no:
        check_renderable(build.group(build.service(resources=resources, params=build.mounts(*mounts))))
    assert no.value.path == "services[0].params.storage"


def test_two_volumes_of_one_name_are_refused(build):
    resources = build.resources(build.volume("a"), build.volume("a"))
    with pytest.raises(ManifestInvalid):
        check_renderable(build.group(build.service(resources=resources)))


def test_an_address_is_no_host_name_for_an_ingress(build):
    with pytest.raises(ManifestInvalid) as no:
        check_renderable(build.group(build.service("web", build.expose(80, hosts=("192.0.2.7",)))))
    assert no.value.path == "services[0].expose[0].hosts"
    check_renderable(build.group(build.service("web", build.expose(22, hosts=("192.0.2.7",)))))
