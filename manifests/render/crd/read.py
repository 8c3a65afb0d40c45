"""A Manifest resource → lease, group and plan; reads what write.py writes and what the reference wrote.

An absent or null field is nothing (None, 0, ""), as in the reference. A field of another kind than it should be is a
ManifestInvalid naming the place, since a lease must not run on half a manifest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from manifests.errors import Invalid, ManifestInvalid
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
from manifests.render.crd.fields import Field
from manifests.render.site import DEFAULT_PLAN, Plan, ServicePlan
from manifests.resources import Attribute, Attributes, Cpu, Endpoint, EndpointKind, Gpu, Memory, Resources, Storage


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """What a Manifest resource says; `plan` has only services whose plan is not the default one."""

    lease: LeaseID
    group: ManifestGroup
    plan: Plan


def read_manifest(obj: Mapping[str, Any]) -> StoredManifest:
    """The content of a Manifest resource. Raises ManifestInvalid."""
    spec = Field(obj, "")["spec"]
    services = spec["group"]["services"].items() or []
    plans = {s["name"].text(): _plan(s["scheduler_params"]) for s in services}
    return StoredManifest(
        _lease(spec["lease_id"]),
        ManifestGroup(spec["group"]["name"].text(), tuple(_service(s) for s in services)),
        {name: plan for name, plan in plans.items() if plan != DEFAULT_PLAN},
    )


def _lease(at: Field) -> LeaseID:
    parts = [str(at[key].value if at[key] else "") for key in ("owner", "dseq", "gseq", "oseq", "provider")]
    try:
        return LeaseID.parse("/".join(parts))
    except Invalid as bad:
        raise ManifestInvalid(at.path, bad.message, value=parts) from None


def _plan(at: Field) -> ServicePlan:
    gpu, card = at["resources"]["gpu"], None
    if gpu:
        card = GpuModel(*(gpu[key].text() for key in ("vendor", "model", "memory_size", "interface", "resource")))
    return ServicePlan(at["runtime_class"].text(), card, at["nodes"].texts() or ())


def _service(at: Field) -> Service:
    return Service(
        name=at["name"].text(),
        image=at["image"].text(),
        command=at["command"].texts(),
        args=at["args"].texts(),
        env=at["env"].texts(),
        resources=_resources(at["resources"]),
        count=at["count"].number(),
        expose=tuple(_expose(e) for e in at["expose"].items() or ()),
        params=_params(at["params"]) if at["params"] else None,
        credentials=_credentials(at["credentials"]) if at["credentials"] else None,
    )


def _resources(at: Field) -> Resources:
    return Resources(
        id=at["id"].number(),
        cpu=Cpu(at["cpu"]["units"].number(), _attributes(at["cpu"])),
        memory=Memory(at["memory"]["size"].number(), _attributes(at["memory"])),
        storage=tuple(
            Storage(s["name"].text(), s["size"].number(), _attributes(s)) for s in at["storage"].items() or ()
        ),
        gpu=Gpu(at["gpu"]["units"].number(), _attributes(at["gpu"])),
        endpoints=tuple(_endpoint(e) for e in at["endpoints"].items() or ()),
    )


def _endpoint(at: Field) -> Endpoint:
    kind = at["kind"].number()
    if kind not in tuple(EndpointKind):
        raise ManifestInvalid(at["kind"].path, "is not a kind of endpoint: 0, 1 or 2", value=kind)
    return Endpoint(EndpointKind(kind), at["sequence_number"].number())


def _attributes(at: Field) -> Attributes:
    return tuple(Attribute(a["key"].text(), a["value"].text()) for a in at["attributes"].items() or ())


def _expose(at: Field) -> Expose:
    return Expose(
        port=at["port"].number(),
        external_port=at["external_port"].number(),
        proto=at["proto"].text(),
        service=at["service"].text(),
        global_=at["global"].flag(),
        hosts=at["hosts"].texts(),
        http_options=_http_options(at["http_options"]),
        ip=at["ip"].text(),
        endpoint_sequence_number=at["endpoint_sequence_number"].number(),
    )


def _http_options(at: Field) -> HttpOptions:
    return HttpOptions(
        max_body_size_bytes=at["max_body_size"].number(),
        read_timeout_ms=at["read_timeout"].number(),
        send_timeout_ms=at["send_timeout"].number(),
        next_tries=at["next_tries"].number(),
        next_timeout_ms=at["next_timeout"].number(),
        next_cases=at["next_cases"].texts() or (),
        proxy_buffer_size_bytes=at["proxy_buffer_size"].number(),
    )


def _params(at: Field) -> Params:
    mounts = at["storage"].items()
    return Params(
        storage=None
        if mounts is None
        else tuple(StorageParams(m["name"].text(), m["mount"].text(), m["readOnly"].flag()) for m in mounts),
        permissions=Permissions(at["permissions"]["read"].texts()) if at["permissions"] else None,
        tee=Tee(at["tee"]["type"].text(), at["tee"]["attestation"].flag()) if at["tee"] else None,
    )


def _credentials(at: Field) -> Credentials:
    return Credentials(at["host"].text(), at["email"].text(), at["username"].text(), at["password"].text())
