from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.errors import ManifestInvalid
from manifests.gpus import GpuModel
from manifests.render.crd import manifest_object, read_manifest
from manifests.render.site import ServicePlan

_words = st.sampled_from(["", "nvidia", "amd", "80Gi"])
_nodes = st.lists(st.sampled_from(["n1", "n2"])).map(tuple)
PLANS = st.builds(ServicePlan, _words, st.none() | st.builds(GpuModel, _words, _words, _words, _words, _words), _nodes)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_what_is_stored_is_read_back_exactly(data, groups, lease, site):
    group = data.draw(groups)
    plan = {s.name: p for s in group.services if (p := data.draw(PLANS)) != ServicePlan()}
    stored = read_manifest(manifest_object(lease, group, plan, site))
    assert (stored.lease, stored.group, stored.plan) == (lease, group, plan)


@pytest.mark.parametrize(
    "name", ["01-basic", "02-several-services", "04-node-ports", "05-storage-beta2", "11-gpu-exact", "14-leased-ip"]
)
def test_a_manifest_written_by_the_reference_is_read(recorded, name):
    """Only what it does not store is missing: the endpoints of each service's resources."""
    case = recorded(name)
    stored = read_manifest(case.only("Manifest"))
    assert stored.lease == case.lease
    with_endpoints = manifest_object(case.lease, case.group, stored.plan, site_of_the_recording())
    for service in with_endpoints["spec"]["group"]["services"]:
        service["resources"].pop("endpoints", None)
    assert read_manifest(with_endpoints) == stored


def site_of_the_recording():
    from manifests.render.site import Site

    return Site()


def test_the_card_the_reference_chose_is_the_plan(recorded):
    stored = read_manifest(recorded("11-gpu-exact").only("Manifest"))
    assert stored.plan == {"train": ServicePlan("nvidia", GpuModel("nvidia", "h100"))}


def test_null_is_the_same_as_absent(build, lease, site):
    made = manifest_object(lease, build.group(build.service("web", build.expose(80))), {}, site)
    expected = read_manifest(made)
    (service,) = made["spec"]["group"]["services"]
    for key in ("command", "args", "env", "params", "credentials", "scheduler_params"):
        service[key] = None
    assert read_manifest(made) == expected


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.lease_id.dseq", "12x"),
        ("spec.lease_id", None),
        ("spec.group.services", "web"),
        ("spec.group.services[0].count", "two"),
        ("spec.group.services[0].image", 7),
        ("spec.group.services[0].resources.cpu", "500m"),
        ("spec.group.services[0].resources.memory.size", "512Mi"),
        ("spec.group.services[0].resources.endpoints[0].kind", 9),
        ("spec.group.services[0].expose[0].global", "yes"),
    ],
)
def test_a_damaged_manifest_is_refused_by_the_place(build, lease, site, path, value):
    made = copy.deepcopy(manifest_object(lease, build.group(build.service("web", build.expose(80))), {}, site))
    put(made, path, value)
    with pytest.raises(ManifestInvalid) as no:
        read_manifest(made)
    assert path.startswith(no.value.path) or no.value.path.startswith(path)


def put(obj, path, value):
    *parents, last = path.replace("[0]", ".0").split(".")
    for key in parents:
        if key == "0":
            obj = obj[0]
        elif key == "endpoints":
            obj = obj.setdefault(key, [{}])
        else:
            obj = obj[key]
    obj[last] = value
