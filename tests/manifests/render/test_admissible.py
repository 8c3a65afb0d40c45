from __future__ import annotations

import pytest

from manifests.errors import ManifestInvalid
from manifests.render.admissible import check_renderable


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


@pytest.mark.parametrize(
    ("case", "make"),
    {
        "one port of one address for two services": lambda b: (
            b.service("a", b.expose(80, ip="mine")),
            b.service("b", b.expose(8080, 80, ip="mine")),
        ),
        "a service called like another's address": lambda b: (
            b.service("web", b.expose(80, ip="mine")),
            b.service("web-ip-80-tcp", b.expose(80)),
        ),
        "a service called like another's node ports": lambda b: (
            b.service("web", b.expose(22)),
            b.service("web-np", b.expose(80)),
        ),
        "an endpoint's name too long for the object that claims it": lambda b: (
            b.service("a", b.expose(80, ip="x" * 181)),
        ),
        "a second address's Service too long": lambda b: (
            b.service("w" * 50, b.expose(65535, proto="UDP", ip="a"), b.expose(65535, proto="UDP", ip="b")),
        ),
    }.items(),
)  # fmt: skip
def test_what_would_be_one_object_for_two_is_refused(build, case, make):
    with pytest.raises(ManifestInvalid, match="services"):
        check_renderable(build.group(*make(build)))


def test_two_services_may_share_an_address_and_one_may_have_two(build):
    check_renderable(
        build.group(
            build.service("a", build.expose(80, ip="mine"), build.expose(80, ip="other")),
            build.service("b", build.expose(80, proto="UDP", ip="mine")),
        )
    )
