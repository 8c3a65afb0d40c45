from __future__ import annotations

import pytest

from manifests.ids import lease_namespace
from manifests.manifest import HttpOptions, Params, Permissions, Tee
from manifests.render.crd import manifest_object, read_manifest
from manifests.render.site import Site

CASES = [
    "01-basic",
    "02-several-services",
    "04-node-ports",
    "05-storage-beta2",
    "08-credentials",
    "11-gpu-exact",
    "14-leased-ip",
]


@pytest.mark.parametrize("name", CASES)
def test_it_is_what_the_reference_stores_and_the_endpoints(recorded, name):
    case = recorded(name)
    theirs = case.only("Manifest")
    made = manifest_object(case.lease, case.group, read_manifest(theirs).plan, Site())
    for service in made["spec"]["group"]["services"]:
        service["resources"].pop("endpoints", None)
    assert made["spec"] == theirs["spec"]
    assert made["metadata"] == {k: v for k, v in theirs["metadata"].items() if k != "generation"}


def test_it_is_named_after_the_namespace_and_lives_in_the_site_s(build, lease):
    meta = manifest_object(lease, build.group(build.service()), {}, Site(manifest_namespace="other"))["metadata"]
    assert (meta["name"], meta["namespace"]) == (lease_namespace(lease), "other")


def stored_service(build, lease, service):
    return manifest_object(lease, build.group(service), {}, Site())["spec"]["group"]["services"][0]


def test_no_list_and_an_empty_list_stay_apart(build, lease):
    none = stored_service(build, lease, build.service(command=None, env=None))
    empty = stored_service(build, lease, build.service(command=(), env=()))
    assert not {"command", "env"} & none.keys()
    assert (empty["command"], empty["env"]) == ([], [])


def test_what_the_reference_drops_is_kept(build, lease):
    web = build.service(
        "web",
        build.expose(80, http=HttpOptions(proxy_buffer_size_bytes=16384)),
        params=Params(None, Permissions(None), Tee("cpu", True)),
    )
    stored = stored_service(build, lease, web)
    assert stored["params"] == {"permissions": {}, "tee": {"type": "cpu", "attestation": True}}
    assert stored["expose"][0]["http_options"]["proxy_buffer_size"] == 16384
