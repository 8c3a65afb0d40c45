"""The manifest JSON as tenants PUT it ↔ dataclasses, and groups → the reference's JSON (sdl-manifest.md §9, §10).

Decoding follows Go's: keys match in any case, unknown keys are dropped, the last of equal keys wins, null is the same
as absent, and an absent field is zero, not a default. "No list" and "an empty list" stay apart where the hash tells
them apart. What cannot be decoded is a ManifestInvalid that names the place, like `[0].services[1].count`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from manifests.coins import DecCoin, format_decimal, parse_decimal
from manifests.manifest import (
    Credentials,
    Expose,
    HttpOptions,
    Manifest,
    ManifestGroup,
    Params,
    Permissions,
    Service,
    StorageParams,
    Tee,
)
from manifests.resources import (
    Attributes,
    Cpu,
    Endpoint,
    EndpointKind,
    Gpu,
    GroupSpec,
    Memory,
    Requirements,
    Resources,
    ResourceUnit,
    SignedBy,
    Storage,
)
from manifests.wirevalues import At, decoded


def parse_manifest(body: bytes) -> Manifest:
    """The manifest in a request body; what it means is for `manifests.check`."""
    return tuple(_group(at) for at in decoded(body).items() or ())


def manifest_json(manifest: Manifest) -> list[dict[str, Any]]:
    """Plain values in the field order of the reference; `json.dumps` of it is a body a provider accepts."""
    return [{"name": g.name, "services": [_service_json(s) for s in g.services]} for g in manifest]


def groups_json(groups: Sequence[GroupSpec]) -> list[dict[str, Any]]:
    """The groups of a deployment as the reference's JSON, amounts with 18 decimals."""
    return [group_json(g) for g in groups]


def group_json(g: GroupSpec) -> dict[str, Any]:
    return {
        "name": g.name,
        "requirements": {
            "signed_by": _signed_by_json(g.requirements.signed_by),
            "attributes": _attributes_json(g.requirements.attributes) or None,
        },
        "resources": [
            {
                "resource": _resources_json(u.resources),
                "count": u.count,
                "price": {"denom": u.price.denom, "amount": format_decimal(u.price.amount_e18)},
            }
            for u in g.resources
        ],
    }


def parse_group(at: At) -> GroupSpec:
    """What `group_json` wrote, within a JSON text of ours (`wirevalues.decoded`)."""
    needs = at["requirements"]
    signed = needs["signed_by"]
    units = at["resources"].items()
    if not units:
        raise at["resources"].fail("is missing; a group has at least one unit")
    return GroupSpec(
        name=at["name"].text(),
        requirements=Requirements(
            SignedBy(signed["all_of"].texts() or (), signed["any_of"].texts() or ()), _attributes(needs["attributes"])
        ),
        resources=tuple(
            ResourceUnit(_resources(u["resource"], ("cpu", "memory", "gpu")), u["count"].uint32(), price(u["price"]))
            for u in units
        ),
    )


def price(at: At) -> DecCoin:
    """`{"denom": …, "amount": "12.5"}`"""
    try:
        return DecCoin(at["denom"].text(), parse_decimal(at["amount"].text()))
    except ValueError as bad:
        raise at["amount"].fail(str(bad)) from None


def _signed_by_json(s: SignedBy) -> dict[str, Any]:
    return {
        "all_of": list(s.all_of) if s.all_of or s.all_of_written else None,
        "any_of": list(s.any_of) if s.any_of or s.any_of_written else None,
    }


def _group(at: At) -> ManifestGroup:
    return ManifestGroup(at["name"].text(), tuple(_service(s) for s in at["services"].items() or ()))


def _service(at: At) -> Service:
    return Service(
        name=at["name"].text(),
        image=at["image"].text(),
        command=at["command"].texts(),
        args=at["args"].texts(),
        env=at["env"].texts(),
        resources=_resources(at["resources"]),
        count=at["count"].uint32(),
        expose=tuple(_expose(e) for e in at["expose"].items() or ()),
        expose_is_null=not at["expose"],
        params=_params(at["params"]) if at["params"] else None,
        credentials=_credentials(at["credentials"]) if at["credentials"] else None,
    )


def _resources(at: At, parts: Sequence[str] = ("cpu", "memory", "storage", "gpu", "endpoints")) -> Resources:
    """The reference demands all five parts of a service's resources to be there (sdl-manifest.md §12.3), even if
    empty."""
    for part in parts:
        if not at[part]:
            raise at[part].fail(f"is missing; resources need id, {', '.join(parts[:-1])} and {parts[-1]}")
    return Resources(
        id=at["id"].uint32(),
        cpu=Cpu(at["cpu"]["units"].quantity(), _attributes(at["cpu"]["attributes"])),
        memory=Memory(at["memory"]["size"].quantity(), _attributes(at["memory"]["attributes"])),
        storage=tuple(
            Storage(s["name"].text(), s["size"].quantity(), _attributes(s["attributes"]))
            for s in at["storage"].items() or ()
        ),
        gpu=Gpu(at["gpu"]["units"].quantity(), _attributes(at["gpu"]["attributes"])),
        endpoints=tuple(
            Endpoint(_kind(e["kind"]), e["sequence_number"].uint32()) for e in at["endpoints"].items() or ()
        ),
    )


def _attributes(at: At) -> Attributes:
    return at.pairs("key", "value")


def _kind(at: At) -> int:
    """A number nobody knows is kept: it is hashed, and nothing else is done with it."""
    number = at.int32()
    return EndpointKind(number) if number in tuple(EndpointKind) else number


def _expose(at: At) -> Expose:
    http = at["httpOptions"]
    return Expose(
        port=at["port"].uint32(),
        external_port=at["externalPort"].uint32(),
        proto=at["proto"].text(),
        service=at["service"].text(),
        global_=at["global"].truth(),
        hosts=at["hosts"].texts(),
        http_options=HttpOptions(
            max_body_size_bytes=http["maxBodySize"].uint32(),
            read_timeout_ms=http["readTimeout"].uint32(),
            send_timeout_ms=http["sendTimeout"].uint32(),
            next_tries=http["nextTries"].uint32(),
            next_timeout_ms=http["nextTimeout"].uint32(),
            next_cases=http["nextCases"].texts() or (),
            proxy_buffer_size_bytes=http["proxyBufferSize"].uint32(),
        ),
        ip=at["ip"].text(),
        endpoint_sequence_number=at["endpointSequenceNumber"].uint32(),
    )


def _params(at: At) -> Params:
    mounts = at["storage"].items()
    permissions, tee = at["permissions"], at["tee"]
    return Params(
        storage=None
        if mounts is None
        else tuple(StorageParams(m["name"].text(), m["mount"].text(), m["readOnly"].truth()) for m in mounts),
        permissions=Permissions(permissions["read"].texts()) if permissions else None,
        tee=Tee(tee["type"].text(), tee["attestation"].truth()) if tee else None,
    )


def _credentials(at: At) -> Credentials:
    return Credentials(at["host"].text(), at["email"].text(), at["username"].text(), at["password"].text())


def _service_json(s: Service) -> dict[str, Any]:
    out: dict[str, Any] = {
        "name": s.name,
        "image": s.image,
        "command": _list(s.command),
        "args": _list(s.args),
        "env": _list(s.env),
        "resources": _resources_json(s.resources),
        "count": s.count,
        "expose": None if s.expose_is_null else [_expose_json(e) for e in s.expose],
    }
    if s.params is not None:
        out["params"] = _params_json(s.params)
    c = s.credentials
    out["credentials"] = c and {"host": c.host, "email": c.email, "username": c.username, "password": c.password}
    return out


def _list(values: tuple[str, ...] | None) -> list[str] | None:
    return None if values is None else list(values)


def _resources_json(r: Resources) -> dict[str, Any]:
    out: dict[str, Any] = {
        "id": r.id,
        "cpu": {"units": {"val": str(r.cpu.milli)}} | _with_attributes(r.cpu.attributes),
        "memory": {"size": {"val": str(r.memory.quantity_bytes)}} | _with_attributes(r.memory.attributes),
    }
    if r.storage:
        out["storage"] = [
            {"name": v.name, "size": {"val": str(v.quantity_bytes)}} | _with_attributes(v.attributes) for v in r.storage
        ]
    out["gpu"] = {"units": {"val": str(r.gpu.units)}} | _with_attributes(r.gpu.attributes)
    out["endpoints"] = [
        ({"kind": int(e.kind)} if e.kind else {}) | {"sequence_number": e.sequence_number} for e in r.endpoints
    ]
    return out


def _with_attributes(attributes: Attributes) -> dict[str, Any]:
    return {"attributes": _attributes_json(attributes)} if attributes else {}


def _attributes_json(attributes: Attributes) -> list[dict[str, str]]:
    return [({"key": a.key} if a.key else {}) | ({"value": a.value} if a.value else {}) for a in attributes]


def _expose_json(e: Expose) -> dict[str, Any]:
    o = e.http_options
    http: dict[str, Any] = {
        "maxBodySize": o.max_body_size_bytes,
        "readTimeout": o.read_timeout_ms,
        "sendTimeout": o.send_timeout_ms,
        "nextTries": o.next_tries,
        "nextTimeout": o.next_timeout_ms,
    }
    if o.next_cases:
        http["nextCases"] = list(o.next_cases)
    if o.proxy_buffer_size_bytes:  # a provider without the field would drop it and compute another hash
        http["proxyBufferSize"] = o.proxy_buffer_size_bytes
    return {
        "port": e.port,
        "externalPort": e.external_port,
        "proto": e.proto,
        "service": e.service,
        "global": e.global_,
        "hosts": _list(e.hosts),
        "httpOptions": http,
        "ip": e.ip,
        "endpointSequenceNumber": e.endpoint_sequence_number,
    }


def _params_json(p: Params) -> dict[str, Any]:
    out: dict[str, Any] = {
        "storage": p.storage
        if p.storage is None
        else [{"name": m.name, "mount": m.mount, "readOnly": m.read_only} for m in p.storage]
    }
    if p.permissions is not None:
        out["permissions"] = {"read": list(p.permissions.read)} if p.permissions.read else {}
    if p.tee is not None:
        out["tee"] = {"type": p.tee.type, "attestation": p.tee.attestation}
    return out
