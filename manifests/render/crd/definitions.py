"""The CustomResourceDefinitions themselves, as applied to a cluster and shipped with the chart.

Compatible with the reference's (kubernetes.md §1.5): every resource it stored is valid here, and what it does not
know is an optional field more. They must be in place before the first write: the API server refuses to apply fields a
definition lacks. `v2beta1` stays listed, neither served nor stored, because a cluster that once stored it refuses a
definition without it.
"""

from __future__ import annotations

from typing import Any

GROUP = "akash.network"
_LARGEST_PORT = 65535


def definitions() -> list[dict[str, Any]]:
    """The definitions of manifests, providerhosts and providerleasedips."""
    manifest = {"Owner": ".spec.lease_id.owner", "Dseq": ".spec.lease_id.dseq"}
    host = {"Owner": ".spec.owner", "Service": ".spec.service_name"}
    leased_ip = {"Service": ".spec.service_name", "Key": ".spec.sharing_key"}
    return [
        _definition("manifests", "Manifest", "mani", _MANIFEST, manifest),
        _definition("providerhosts", "ProviderHost", "ph", _PROVIDER_HOST, host),
        _definition("providerleasedips", "ProviderLeasedIP", "plip", _LEASED_IP, leased_ip),
    ]


def _definition(plural: str, kind: str, short: str, spec: dict[str, Any], columns: dict[str, str]) -> dict[str, Any]:
    schema = {"openAPIV3Schema": {"type": "object", "required": ["spec"], "properties": {"spec": spec}}}
    old = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    shown = [{"name": name, "type": "string", "jsonPath": path} for name, path in columns.items()]
    shown.append({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"})
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "plural": plural,
                "singular": kind.lower(),
                "kind": kind,
                "listKind": f"{kind}List",
                "shortNames": [short],
            },
            "versions": [
                {"name": "v2beta1", "served": False, "storage": False, "schema": old},
                {
                    "name": "v2beta2",
                    "served": True,
                    "storage": True,
                    "schema": schema,
                    "additionalPrinterColumns": shown,
                },
            ],
        },
    }


def _object(required: tuple[str, ...] = (), /, *, nullable: bool = False, **properties: Any) -> dict[str, Any]:
    out: dict[str, Any] = {"type": "object", "properties": {k.rstrip("_"): v for k, v in properties.items()}}
    if required:
        out["required"] = list(required)
    return {**out, "nullable": True} if nullable else out


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "nullable": True}


_TEXT: dict[str, Any] = {"type": "string"}
_FLAG: dict[str, Any] = {"type": "boolean"}
_NUMBER: dict[str, Any] = {"type": "integer", "format": "int64", "minimum": 0}
_DIGITS: dict[str, Any] = {"type": "string", "pattern": "^[0-9]+$"}
_PORT: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": _LARGEST_PORT}
_SEQUENCE: dict[str, Any] = {"type": "integer", "format": "int64", "minimum": 0}

_ATTRIBUTES = _list(_object(("key", "value"), key=_TEXT, value=_TEXT))

_LEASE_ID = _object(
    ("owner", "dseq", "gseq", "oseq", "provider"),
    owner=_TEXT,
    dseq=_DIGITS,
    gseq=_SEQUENCE,
    oseq=_SEQUENCE,
    provider=_TEXT,
)

_RESOURCES = _object(
    id=_NUMBER,
    cpu=_object(units=_NUMBER, attributes=_ATTRIBUTES),
    gpu=_object(units=_NUMBER, attributes=_ATTRIBUTES),
    memory=_object(size=_DIGITS, attributes=_ATTRIBUTES),
    storage=_list(_object(name=_TEXT, size=_DIGITS, attributes=_ATTRIBUTES)),
    endpoints=_list(_object(kind=_NUMBER, sequence_number=_NUMBER)),
)

_HTTP_OPTIONS = _object(
    max_body_size=_NUMBER,
    read_timeout=_NUMBER,
    send_timeout=_NUMBER,
    next_tries=_NUMBER,
    next_timeout=_NUMBER,
    next_cases=_list(_TEXT),
    proxy_buffer_size=_NUMBER,
)

_EXPOSE = _object(
    global_=_FLAG,
    port=_PORT,
    external_port=_PORT,
    proto=_TEXT,
    service=_TEXT,
    hosts=_list(_TEXT),
    http_options=_HTTP_OPTIONS,
    ip=_TEXT,
    endpoint_sequence_number=_NUMBER,
)

_PARAMS = _object(
    nullable=True,
    storage=_list(_object(name=_TEXT, mount=_TEXT, readOnly=_FLAG)),
    permissions=_object(nullable=True, read=_list(_TEXT)),
    tee=_object(nullable=True, type=_TEXT, attestation=_FLAG),
)

_SCHEDULER_PARAMS = _object(
    nullable=True,
    runtime_class=_TEXT,
    resources=_object(
        nullable=True,
        gpu=_object(nullable=True, vendor=_TEXT, model=_TEXT, interface=_TEXT, memory_size=_TEXT, resource=_TEXT),
    ),
    nodes=_list(_TEXT),
)

_SERVICE = _object(
    ("name", "image", "count", "resources"),
    name=_TEXT,
    image=_TEXT,
    command=_list(_TEXT),
    args=_list(_TEXT),
    env=_list(_TEXT),
    count=_NUMBER,
    resources=_RESOURCES,
    expose=_list(_EXPOSE),
    params=_PARAMS,
    scheduler_params=_SCHEDULER_PARAMS,
    credentials=_object(nullable=True, host=_TEXT, email=_TEXT, username=_TEXT, password=_TEXT),
)

_MANIFEST = _object(
    ("lease_id", "group"),
    lease_id=_LEASE_ID,
    group=_object(("name", "services"), name=_TEXT, services={"type": "array", "items": _SERVICE}),
)

_PROVIDER_HOST = _object(
    ("hostname", "owner", "provider", "dseq", "gseq", "oseq", "service_name", "external_port"),
    hostname=_TEXT,
    owner=_TEXT,
    provider=_TEXT,
    dseq=_SEQUENCE,
    gseq=_SEQUENCE,
    oseq=_SEQUENCE,
    service_name=_TEXT,
    external_port=_PORT,
)

_LEASED_IP = _object(
    ("lease_id", "service_name", "port", "external_port", "protocol", "sharing_key"),
    lease_id=_LEASE_ID,
    service_name=_TEXT,
    port=_PORT,
    external_port=_PORT,
    protocol=_TEXT,
    sharing_key=_TEXT,
)
