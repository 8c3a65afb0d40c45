"""A lease's manifest → its Manifest resource, the exact inverse of read.py.

Fields and their absence are the reference's: what is zero, false or empty is left out. Where we must tell "no list"
from "an empty list" (they hash differently, sdl-manifest.md §10), the empty list is written and the missing one is
not. Three things the reference drops are kept as additional fields: `endpoints` of resources, `proxy_buffer_size` of
http_options, and `tee` of params; two are ours alone: `resource` of a card that goes by an unusual name, and `nodes` of
scheduler_params.
"""

from __future__ import annotations

from typing import Any

from manifests.gpus import GpuModel
from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import Expose, HttpOptions, ManifestGroup, Params, Service
from manifests.render import names
from manifests.render.site import DEFAULT_PLAN, Plan, ServicePlan, Site
from manifests.resources import Attributes, Resources


def manifest_object(lease: LeaseID, group: ManifestGroup, plan: Plan, site: Site) -> dict[str, Any]:
    """The Manifest resource of a lease. It holds the tenant's registry passwords in clear text, as in the reference."""
    return {
        "apiVersion": "akash.network/v2beta2",
        "kind": "Manifest",
        "metadata": {
            "name": lease_namespace(lease),
            "namespace": site.manifest_namespace,
            "labels": names.object_labels(lease, revision=""),
        },
        "spec": {
            "lease_id": lease_id(lease),
            "group": {
                "name": group.name,
                "services": [_service(s, plan.get(s.name, DEFAULT_PLAN)) for s in group.services],
            },
        },
    }


def lease_id(lease: LeaseID) -> dict[str, Any]:
    """As Manifests and ProviderLeasedIPs write it: the deployment's number is a text."""
    return {
        "owner": lease.owner,
        "dseq": str(lease.dseq),
        "gseq": lease.gseq,
        "oseq": lease.oseq,
        "provider": lease.provider,
    }


def _service(service: Service, plan: ServicePlan) -> dict[str, Any]:
    out: dict[str, Any] = {"name": service.name, "image": service.image}
    for key, texts in (("command", service.command), ("args", service.args), ("env", service.env)):
        if texts is not None:
            out[key] = list(texts)
    out |= {"count": service.count, "resources": _resources(service.resources)}
    if service.expose:
        out["expose"] = [_expose(e) for e in service.expose]
    if service.params is not None:
        out["params"] = _params(service.params)
    if service.credentials is not None:
        given = service.credentials
        out["credentials"] = {
            "host": given.host,
            "email": given.email,
            "username": given.username,
            "password": given.password,
        }
    if plan != DEFAULT_PLAN:
        out["scheduler_params"] = _scheduler_params(plan)
    return out


def _resources(resources: Resources) -> dict[str, Any]:
    out: dict[str, Any] = {
        "id": resources.id,
        "cpu": {"units": resources.cpu.milli, **_attributes(resources.cpu.attributes)},
        "gpu": {"units": resources.gpu.units, **_attributes(resources.gpu.attributes)},
        "memory": {"size": str(resources.memory.quantity_bytes), **_attributes(resources.memory.attributes)},
        "storage": [
            {"name": s.name, "size": str(s.quantity_bytes), **_attributes(s.attributes)} for s in resources.storage
        ],
    }
    if resources.endpoints:
        out["endpoints"] = [{"kind": int(e.kind), "sequence_number": e.sequence_number} for e in resources.endpoints]
    return out


def _attributes(attributes: Attributes) -> dict[str, Any]:
    return {"attributes": [{"key": a.key, "value": a.value} for a in attributes]} if attributes else {}


def _expose(expose: Expose) -> dict[str, Any]:
    out: dict[str, Any] = {
        "port": expose.port,
        "external_port": expose.external_port,
        "proto": expose.proto,
        "service": expose.service,
        "global": expose.global_,
        "ip": expose.ip,
    }
    out = {key: value for key, value in out.items() if value}
    if expose.hosts is not None:
        out["hosts"] = list(expose.hosts)
    return {
        **out,
        "http_options": _http_options(expose.http_options),
        "endpoint_sequence_number": expose.endpoint_sequence_number,
    }


def _http_options(options: HttpOptions) -> dict[str, Any]:
    out: dict[str, Any] = {
        "max_body_size": options.max_body_size_bytes,
        "read_timeout": options.read_timeout_ms,
        "send_timeout": options.send_timeout_ms,
        "next_tries": options.next_tries,
        "next_timeout": options.next_timeout_ms,
        "next_cases": list(options.next_cases),
        "proxy_buffer_size": options.proxy_buffer_size_bytes,
    }
    return {key: value for key, value in out.items() if value}


def _params(params: Params) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if params.storage is not None:
        out["storage"] = [{"name": s.name, "mount": s.mount, "readOnly": s.read_only} for s in params.storage]
    if params.permissions is not None:
        read = params.permissions.read
        out["permissions"] = {} if read is None else {"read": list(read)}
    if params.tee is not None:
        out["tee"] = {"type": params.tee.type, "attestation": params.tee.attestation}
    return out


def _scheduler_params(plan: ServicePlan) -> dict[str, Any]:
    out: dict[str, Any] = {"runtime_class": plan.runtime_class}
    if plan.gpu is not None:
        out["resources"] = {"gpu": _gpu(plan.gpu)}
    if plan.nodes:
        out["nodes"] = list(plan.nodes)
    return out


def _gpu(card: GpuModel) -> dict[str, Any]:
    out = {"vendor": card.vendor, "model": card.model, "interface": card.interface, "memory_size": card.memory}
    return {**out, "resource": card.resource_name} if card.resource_name else out
