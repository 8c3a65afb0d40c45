"""What leads from outside to a lease, name by name: a claim, and the objects that may stand only while the lease has
it. Pure.

A lease's objects are rendered in one list; here those that depend on a claim are told apart from the rest, because a
claim may be another's for now, and because trouble with one name must not keep the lease or its other names waiting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from manifests.render.leased_ip import SHARING_KEY
from manifests.render.names import METAL_LB, SERVICE_TARGET
from provider.cluster.api.kinds import HTTP_ROUTE, INGRESS, PROVIDER_HOST, PROVIDER_LEASED_IP, SERVICE, Kind, kind_of

Key = tuple[Kind, str]
"""Kind and name of a claim."""


_OF_SERVICE = ("type", "selector", "ports", "externalTrafficPolicy", "loadBalancerClass")


@dataclass(frozen=True, slots=True)
class Door:
    claim: Mapping[str, Any]
    """the ProviderHost or ProviderLeasedIP"""
    routes: tuple[Mapping[str, Any], ...]
    """Ingress or HTTPRoute of the host name, Service of the leased port"""

    @property
    def key(self) -> Key:
        return kind_of(self.claim), self.claim["metadata"]["name"]

    @property
    def endpoint(self) -> str:
        """What the ports of one leased address have in common; "" for a host name."""
        return str(self.claim["spec"].get("sharing_key") or "")

    @property
    def called(self) -> str:
        """For people."""
        spec = self.claim["spec"]
        if self.claim["kind"] == PROVIDER_HOST.kind:
            return f"host name {spec['hostname']}"
        endpoint = spec["sharing_key"].removeprefix(f"{spec['lease_id']['owner']}-ip-")
        return f"port {spec['external_port']}/{spec['protocol']} of the address {endpoint!r}"


def apart(objects: Iterable[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[Door]]:
    """The objects of a lease that depend on no claim, and its doors, in the order given. Of two objects of one name the
    last counts: applied in turn, each would undo the other for ever."""
    rest: list[Mapping[str, Any]] = []
    claims: dict[Key, Mapping[str, Any]] = {}
    routes: dict[Key, dict[tuple[Kind, str], Mapping[str, Any]]] = {}
    for obj in objects:
        kind = kind_of(obj)
        if kind in (PROVIDER_HOST, PROVIDER_LEASED_IP):
            claims[kind, obj["metadata"]["name"]] = obj
        elif (key := claim_of(kind, obj)) is not None:
            routes.setdefault(key, {})[kind, obj["metadata"]["name"]] = obj
        else:
            rest.append(obj)
    return rest, [Door(claim, tuple(routes.get(key, {}).values())) for key, claim in claims.items()]


Found = tuple[Kind, str, str, Mapping[str, Any]]
"""Kind, namespace, name, and what of it is ours to say (`live`)."""


def as_it_stands(claim: Found, routes: Iterable[Found]) -> Door:
    """The door that these would be rendered from."""
    return Door(_said(*claim), tuple(_said(*route) for route in routes))


def _said(kind: Kind, namespace: str, name: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Annotations of a claim are no part of its rendering, nor what the API server has assigned to a Service."""
    metadata = {"name": name, "namespace": namespace, "labels": found["metadata"]["labels"]}
    spec = found["spec"]
    if kind is SERVICE:
        spec = {key: value for key, value in spec.items() if key in _OF_SERVICE}
        spec["ports"] = [{k: v for k, v in port.items() if k != "nodePort"} for port in spec.get("ports") or ()]
    if kind not in (PROVIDER_HOST, PROVIDER_LEASED_IP):
        metadata["annotations"] = found["metadata"]["annotations"]
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": spec}


def together(doors: Iterable[Door]) -> list[list[Door]]:
    """Host names by themselves, the ports of one leased address together."""
    out: list[list[Door]] = []
    addresses: dict[str, list[Door]] = {}
    for door in doors:
        if door.endpoint in addresses:
            addresses[door.endpoint].append(door)
            continue
        out.append([door])
        if door.endpoint:
            addresses[door.endpoint] = out[-1]
    return out


def claim_of(kind: Kind, obj: Mapping[str, Any]) -> Key | None:
    """The claim an object depends on; None when it is nothing that leads in by one."""
    metadata = obj["metadata"]
    if kind in (INGRESS, HTTP_ROUTE):
        return PROVIDER_HOST, metadata["name"]
    if kind is SERVICE and (metadata.get("labels") or {}).get(SERVICE_TARGET) == METAL_LB:
        ports = obj["spec"].get("ports") or [{}]
        key = (metadata.get("annotations") or {}).get(SHARING_KEY, "")
        return PROVIDER_LEASED_IP, f"{key}-{ports[0].get('protocol', 'TCP')}-{ports[0].get('port')}".lower()
    return None


def covers(live: Any, said: Any) -> bool:
    """Whether applying `said` would leave what is there as it is: every field that is said has the value said. What
    nobody has set counts as empty; a list counts as a whole."""
    if isinstance(said, Mapping):
        live = live if isinstance(live, Mapping) else {}
        return all(covers(live.get(key), value) for key, value in said.items())
    if isinstance(said, list | tuple) and isinstance(live, list | tuple) and len(said) == len(live):
        return all(covers(a, b) for a, b in zip(live, said, strict=True))
    return bool(live == said) or (live is None and said in ("", [], False))


def as_said(obj: Mapping[str, Any]) -> dict[str, Any]:
    """What of a rendered object is ours to say, for `covers`."""
    metadata = {key: obj["metadata"][key] for key in ("labels", "annotations") if key in obj["metadata"]}
    return {"metadata": metadata, "spec": obj["spec"]}


def live(obj: Mapping[str, Any]) -> dict[str, Any]:
    """What of an object in the cluster is ours to say, and its version."""
    metadata = {key: obj["metadata"].get(key) or {} for key in ("labels", "annotations")}
    version = obj["metadata"].get("resourceVersion", "")
    return {"metadata": {**metadata, "resourceVersion": version}, "spec": obj.get("spec") or {}}
