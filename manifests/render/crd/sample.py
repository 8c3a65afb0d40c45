"""One of each custom resource with every field that is ever written, and those of the plainest manifest there is, to
ask a cluster whether its definitions have all fields, and those that no lease can do without.

The test beside it walks the definitions, so a field that is added there and not here is found; and compiles the
plainest SDL, so a field that every manifest has is in the plain sample.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from manifests.gpus import GpuModel
from manifests.ids import LeaseID
from manifests.manifest import (
    Credentials,
    Expose,
    HttpOptions,
    ManifestGroup,
    Params,
    Permissions,
    Service,
    StorageParams,
    Tee,
)
from manifests.render.crd.hosts import provider_hosts
from manifests.render.crd.leased_ips import provider_leased_ips
from manifests.render.crd.write import manifest_object
from manifests.render.site import Plan, ServicePlan, Site
from manifests.resources import Attribute, Cpu, Endpoint, Gpu, Memory, Resources, Storage

_LEASE = LeaseID("akash1sample", 1, 1, 1, "akash1sample")
_SOME = (Attribute("sample", "true"),)
_SIZE = Resources(
    id=1,
    cpu=Cpu(10, _SOME),
    memory=Memory(1, _SOME),
    storage=(Storage("data", 1, _SOME),),
    gpu=Gpu(1, _SOME),
    endpoints=(Endpoint(0, 1),),
)
_HTTP = HttpOptions(1, 1, 1, 1, 1, ("error",), 1)
_SERVICE = Service(
    name="sample",
    image="sample",
    command=("sample",),
    args=("sample",),
    env=("SAMPLE=",),
    resources=_SIZE,
    count=1,
    expose=(Expose(80, 80, "TCP", "sample", True, ("sample.invalid",), _HTTP, "sample", 1),),
    params=Params((StorageParams("data", "/data", True),), Permissions(("logs",)), Tee("cpu", True)),
    credentials=Credentials("registry.invalid", "sample", "sample", "sample"),
)
_PLAIN = Service(
    name="sample",
    image="sample",
    command=None,
    args=None,
    env=None,
    resources=Resources(1, Cpu(10), Memory(1), (Storage("default", 1),), Gpu(), (Endpoint(0, 0),)),
    count=1,
    expose=(Expose(80, 0, "TCP", "", True, None, HttpOptions(1, 1, 1, 1, 0, ("error",), 0), "", 0),),
)
_PLAN = ServicePlan("sample", GpuModel("nvidia", "sample", "1Gi", "pcie", "sample.invalid/gpu"), ("sample",))


def plain_samples(manifest_namespace: str) -> list[dict[str, Any]]:
    """What every lease has: a Manifest, and a ProviderHost for the name that is generated."""
    return _made(_PLAIN, {}, manifest_namespace)


def samples(manifest_namespace: str) -> list[dict[str, Any]]:
    """A Manifest, a ProviderHost and a ProviderLeasedIP of nobody; not to be stored."""
    return _made(_SERVICE, {_SERVICE.name: _PLAN}, manifest_namespace)


def _made(service: Service, plan: Plan, manifest_namespace: str) -> list[dict[str, Any]]:
    group = ManifestGroup("sample", (service,))
    site = replace(Site(), ingress_domain="sample.invalid", static_hosts=True, manifest_namespace=manifest_namespace)
    made = manifest_object(_LEASE, group, plan, site)
    return [made, *provider_hosts(_LEASE, group, site), *provider_leased_ips(_LEASE, group, site)]
