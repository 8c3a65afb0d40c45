from __future__ import annotations

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.render.crd import definitions, manifest_object, provider_hosts


def schema_of(kind):
    """The stored version's schema as JSON Schema, closed: what it does not declare the API server would drop."""
    (found,) = [d for d in definitions() if d["spec"]["names"]["kind"] == kind]
    (stored,) = [v for v in found["spec"]["versions"] if v["storage"]]
    return closed(stored["schema"]["openAPIV3Schema"]["properties"]["spec"])


def closed(schema):
    out = dict(schema)
    if out.pop("nullable", False):
        out["type"] = [out["type"], "null"]
    if "properties" in out:
        out["properties"] = {k: closed(v) for k, v in out["properties"].items()}
        out["additionalProperties"] = False
    if "items" in out:
        out["items"] = closed(out["items"])
    return out


def test_three_kinds_one_stored_version_each():
    assert [d["metadata"]["name"] for d in definitions()] == [
        "manifests.akash.network",
        "providerhosts.akash.network",
        "providerleasedips.akash.network",
    ]
    for d in definitions():
        assert [(v["name"], v["served"], v["storage"]) for v in d["spec"]["versions"]] == [
            ("v2beta1", False, False),
            ("v2beta2", True, True),
        ]


@pytest.mark.parametrize("name", ["01-basic", "05-storage-beta2", "08-credentials", "11-gpu-exact", "14-leased-ip"])
def test_every_resource_of_the_reference_is_valid(recorded, name):
    case = recorded(name)
    checked = 0
    for (kind, _), obj in case.objects.items():
        if kind in ("Manifest", "ProviderHost", "ProviderLeasedIP"):
            jsonschema.validate(obj["spec"], schema_of(kind))
            checked += 1
    assert checked


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_every_field_we_write_is_declared(data, groups, lease, site):
    group = data.draw(groups)
    jsonschema.validate(manifest_object(lease, group, {}, site)["spec"], schema_of("Manifest"))
    for host in provider_hosts(lease, group, site):
        jsonschema.validate(host["spec"], schema_of("ProviderHost"))


def test_a_field_nobody_declared_is_noticed(build, lease, site):
    made = manifest_object(lease, build.group(build.service()), {}, site)["spec"]
    made["group"]["services"][0]["resources"]["surprise"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(made, schema_of("Manifest"))
