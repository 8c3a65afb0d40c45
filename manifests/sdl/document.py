"""An SDL file as read: the four blocks with their places, before anything is put together (sdl-manifest.md §3, §6).

A block given twice is legal to the reference: what both say is put together (§2)."""

from __future__ import annotations

from dataclasses import dataclass

from manifests.errors import SdlInvalid
from manifests.sdl.cursor import Cursor, Notes, layered
from manifests.sdl.durations import parse_duration_ns
from manifests.sdl.profiles import Profiles, read_profiles
from manifests.sdl.services import ServiceSpec, read_services
from manifests.sdl.version import Rules, rules_of
from manifests.yamlnodes import MAX_WEIGHT, Mapping, Node

MAX_SERVICES = 1000
MAX_EXPOSES = 10_000
KEYS = ("version", "include", "services", "profiles", "deployment", "endpoints", "reclamation")


@dataclass(frozen=True, slots=True)
class Deployed:
    """`deployment.<service>.<placement>`: so many replicas of the service, of that profile, there."""

    at: Cursor
    service: str
    placement: str
    profile: str
    count: int


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """A leased address that exposes may name."""

    at: Cursor
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class SdlFile:
    root: Cursor
    rules: Rules
    services: dict[str, ServiceSpec]
    profiles: Profiles
    deployed: tuple[Deployed, ...]
    """By service, then placement, in byte order."""
    named: tuple[str, ...]
    """Every service that stands under `deployment`, with placements or without, in byte order."""
    endpoints: tuple[EndpointSpec, ...]
    reclamation_ns: int | None
    included: Cursor | None


def read_file(root: Node | None, notes: Notes) -> SdlFile:
    """Every block decoded; SdlInvalid at the first that cannot be."""
    if root is None:
        raise SdlInvalid("", "the file is empty; an SDL file has version, services, profiles and deployment", line=1)
    at = Cursor(root, "", notes)
    if not isinstance(root, Mapping):
        raise at.fail("an SDL file is a block of keys: version, services, profiles and deployment")
    blocks: dict[str, list[Cursor]] = {key: [] for key in KEYS}
    for key, inner in at.written(*KEYS, what="an SDL file"):
        blocks[key].append(inner)
    if not blocks["version"]:
        what = 'is missing; write version: "2.0" or version: "2.1"'
        raise SdlInvalid("version", what, line=at.place.line, column=at.place.column)
    for include in blocks["include"]:
        include.texts()
    _check_number(blocks["services"])
    deployed = layered(blocks["deployment"], _deployed)
    file = SdlFile(
        root=at,
        rules=rules_of(blocks["version"][0]),
        services=read_services(blocks["services"]),
        profiles=read_profiles(blocks["profiles"]),
        deployed=tuple(sorted((d for some in deployed.values() for d in some), key=lambda d: (d.service, d.placement))),
        named=tuple(sorted(deployed)),
        endpoints=tuple(layered(blocks["endpoints"], _endpoint).values()),
        reclamation_ns=_window(blocks["reclamation"][-1]) if blocks["reclamation"] else None,
        included=next(filter(None, blocks["include"]), None),
    )
    if len(file.deployed) > MAX_SERVICES:
        raise at.find("deployment").fail(
            f"deploys {len(file.deployed)} services; at most {MAX_SERVICES} are supported", len(file.deployed)
        )
    _check_size(file)
    return file


def _check_number(services: list[Cursor]) -> None:
    number = sum(len(block.entries()) for block in services)
    if number > MAX_SERVICES:
        raise services[0].fail(f"has {number} services; at most {MAX_SERVICES} are supported", number)


def _deployed(service: str, at: Cursor) -> list[Deployed]:
    found: list[Deployed] = []
    for placement, inner in at.entries():
        f = inner.fields("profile", "count")
        found.append(Deployed(inner, service, placement, f["profile"].text(), f["count"].uint32()))
    return found


def _endpoint(name: str, at: Cursor) -> EndpointSpec:
    return EndpointSpec(at, name, at.fields("kind")["kind"].text())


def _window(at: Cursor) -> int:
    window = at.fields("min_window")["min_window"]
    try:
        nanoseconds = parse_duration_ns(window.text())
    except ValueError as e:
        raise window.fail(str(e), window.raw) from None
    if nanoseconds <= 0:
        raise window.fail("must be longer than zero", window.raw)
    return nanoseconds


def _check_size(file: SdlFile) -> None:
    """Bounds what a small file can unfold to: one service in many placements, many ports to many receivers."""
    weight = ports = 0
    for d in file.deployed:
        service = file.services.get(d.service)
        if service is None:
            continue
        weight += service.at.node.weight
        if d.profile in file.profiles.compute:
            weight += file.profiles.compute[d.profile].at.node.weight
        ports += sum(len(e.receivers) for e in service.expose)
        if weight > MAX_WEIGHT or ports > MAX_EXPOSES:
            raise d.at.fail(f"the manifest would have more than {MAX_EXPOSES} exposes or {MAX_WEIGHT} characters")
