"""From a file whose blocks agree to groups and manifest, in one pass, as the reference does it (sdl-manifest.md §8).

Order is meaning here: services and placements in byte order, volumes, exposes and endpoints in their own. The pass
also keeps where each piece was written, so that a limit found later can be told by line."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from manifests.gosort import go_sorted
from manifests.manifest import Credentials, Manifest, ManifestGroup, Params, Permissions, Service, StorageParams, Tee
from manifests.resources import Attribute, Endpoint, GroupSpec, Requirements, Resources, ResourceUnit
from manifests.sdl.agree import GO_SPACE
from manifests.sdl.cursor import Cursor
from manifests.sdl.document import Deployed, SdlFile
from manifests.sdl.exposes import Placed, address_numbers, endpoints, exposes, merged
from manifests.sdl.services import Parameters, ServiceSpec
from manifests.sdl.version import Rules
from manifests.tee import TEE_TYPE


@dataclass(frozen=True, slots=True)
class Built:
    groups: tuple[GroupSpec, ...]
    manifest: Manifest
    places: dict[str, Cursor]
    """Where the things behind a path of `manifests.check` stand in the file."""


@dataclass(slots=True)
class _Group:
    at: Cursor
    requirements: Requirements
    tee: str = ""
    units: list[ResourceUnit] = field(default_factory=list)
    unit_of_profile: dict[str, int] = field(default_factory=dict)
    services: list[tuple[ServiceSpec, Service, tuple[Placed, ...]]] = field(default_factory=list)
    sold: list[Deployed] = field(default_factory=list)
    """The first deployment of each unit."""


def build(file: SdlFile) -> Built:
    names = sorted({d.service for d in file.deployed})
    addresses = address_numbers(file.services[name] for name in file.named if name in file.services)
    exposed = {name: exposes(file.services[name], addresses) for name in names}
    groups: dict[str, _Group] = {}
    for d in file.deployed:
        placement = file.profiles.placement[d.placement]
        group = groups.setdefault(d.placement, _Group(placement.at, placement.requirements))
        _add(file, group, d, exposed[d.service])
    ordered = sorted(groups.items())
    return Built(
        groups=tuple(GroupSpec(name, g.requirements, tuple(g.units)) for name, g in ordered),
        manifest=tuple(ManifestGroup(name, tuple(s for _, s, _ in g.services)) for name, g in ordered),
        places=_places(file, [g for _, g in ordered]),
    )


def _add(file: SdlFile, group: _Group, d: Deployed, placed: tuple[Placed, ...]) -> None:
    service = file.services[d.service]
    tee = service.params.tee if service.params else ""
    if tee:
        _require_tee(group, service, tee)
    own = endpoints(placed)
    id_ = _unit(file, group, d, own)
    resources = _resources(file, d, id_, own)
    group.services.append(
        (
            service,
            Service(
                name=d.service,
                image=service.image,
                command=service.command,
                args=service.args,
                env=service.env,
                resources=resources,
                count=d.count,
                expose=tuple(p.expose for p in placed),
                params=_params(service.params) if service.params else None,
                credentials=_credentials(file.rules, service.credentials) if service.credentials else None,
            ),
            placed,
        )
    )


def _require_tee(group: _Group, service: ServiceSpec, tee: str) -> None:
    if group.tee and group.tee != tee:
        what = f"the services of one placement must agree; another one has {group.tee}"
        raise service.at.find("params", "tee").fail(what, tee)
    if not group.tee:
        group.tee = tee
        attributes = (*group.requirements.attributes, Attribute(TEE_TYPE, tee))
        in_order = go_sorted(attributes, lambda x, y: x.key < y.key)
        group.requirements = replace(group.requirements, attributes=in_order)


def _unit(file: SdlFile, group: _Group, d: Deployed, own: tuple[Endpoint, ...]) -> int:
    """The id of the unit a service draws on: a new one, or from version 2.1 on the one its profile already has."""
    index = group.unit_of_profile.get(d.profile) if file.rules is Rules.V2_1 else None
    if index is None:
        id_ = len(group.units) + 1
        price = file.profiles.placement[d.placement].pricing[d.profile].price
        assert price is not None
        group.units.append(ResourceUnit(_resources(file, d, id_, own), d.count, price))
        group.unit_of_profile[d.profile] = id_ - 1
        group.sold.append(d)
        return id_
    unit = group.units[index]
    count = unit.count + d.count
    if count >= 1 << 32:
        raise d.at.find("count").fail("the replicas of this profile add up to more than 4294967295", count)
    resources = replace(unit.resources, endpoints=merged(unit.resources.endpoints, own))
    group.units[index] = replace(unit, resources=resources, count=count)
    return unit.resources.id


def _resources(file: SdlFile, d: Deployed, id_: int, own: tuple[Endpoint, ...]) -> Resources:
    profile = file.profiles.compute[d.profile]
    assert profile.cpu is not None
    assert profile.memory is not None
    volumes = tuple(v.storage for v in profile.volumes)
    return Resources(id_, profile.cpu, profile.memory, volumes, profile.gpu, own)


def _params(p: Parameters) -> Params:
    return Params(
        storage=tuple(StorageParams(m.volume, m.mount, m.read_only) for m in p.mounts) or None,
        permissions=Permissions(p.read) if p.has_permissions else None,
        tee=Tee(p.tee, attestation=True) if p.tee else None,
    )


def _credentials(rules: Rules, c: Credentials) -> Credentials:
    if rules is Rules.V2_0:
        return replace(c, email="")
    return Credentials(*(text.strip(GO_SPACE) for text in (c.host, c.email, c.username, c.password)))


def _places(file: SdlFile, groups: list[_Group]) -> dict[str, Cursor]:
    places: dict[str, Cursor] = {"": file.root, "groups": file.root.find("deployment")}
    for g, group in enumerate(groups):
        places[f"groups[{g}]"] = places[f"[{g}]"] = group.at
        for u, d in enumerate(group.sold):
            profile = file.profiles.compute[d.profile]
            unit = f"groups[{g}].resources[{u}]"
            places[unit] = profile.at
            places[f"{unit}.price"] = file.profiles.placement[d.placement].pricing[d.profile].at
            places |= {f"{unit}.storage[{i}]": v.at for i, v in enumerate(profile.volumes)}
        for s, (service, _, placed) in enumerate(group.services):
            places[f"[{g}].services[{s}]"] = service.at
            places |= {f"[{g}].services[{s}].expose[{i}]": p.at for i, p in enumerate(placed)}
    return places
