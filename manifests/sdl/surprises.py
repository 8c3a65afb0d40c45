"""What is legal in an SDL and yet likely not what its author meant (sdl-manifest.md §18): one short function per
surprise."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from manifests.resources import EndpointKind
from manifests.sdl.build import Built
from manifests.sdl.cursor import Cursor, Notes
from manifests.sdl.dialects import dialects
from manifests.sdl.document import SdlFile
from manifests.sdl.exposes import address_numbers, exposes
from manifests.sdl.services import ServiceSpec
from manifests.sdl.version import Rules
from manifests.units import TIB
from manifests.yamlnodes import Mapping, Scalar

USUAL_MAX_VOLUMES = 4
MEANT_MAX_COUNT = 50
LONGEST_USEFUL_NAME = 50
MOST_GUESSES = 100
LONGEST_GUESS = 64
"""Of how many unknown keys it is guessed what was meant, and of how long ones; a guess is costly."""

_SECRET = re.compile(r"pass|secret|token|key|mnemonic|credential", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SdlWarning:
    """`path` and `line` as in errors; `message` says what happens and how to say what was meant."""

    path: str
    message: str
    line: int | None = None
    column: int | None = None


def surprises(file: SdlFile, built: Built, notes: Notes, more_documents: bool) -> tuple[SdlWarning, ...]:
    """In the order of the file."""
    found = [
        *_unread(file, notes, more_documents),
        *_undeployed(file),
        *_counts(file),
        *_prices(file),
        *_volumes(file),
        *_gpus(file),
        *(w for name in sorted({d.service for d in file.deployed}) for w in _service(file, file.services[name])),
        *_totals(built),
        *(_warn(at, message) for at, message in dialects(file)),
    ]
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda w: (w.line or 0, w.column or 0)))


def _warn(at: Cursor, message: str) -> SdlWarning:
    return SdlWarning(at.path, message, at.place.line, at.place.column)


def unread_keys(notes: Notes) -> Iterator[SdlWarning]:
    """Keys nobody reads, mostly misspelt ones; where a file is refused they are often the reason."""
    for i, unknown in enumerate(notes.unknown):
        likely = i < MOST_GUESSES and len(unknown.key) <= LONGEST_GUESS
        near = difflib.get_close_matches(unknown.key, unknown.known, n=1, cutoff=0.6) if likely else []
        yield _warn(
            unknown.at, "this key is not read" + (f"; was {near[0]} meant?" if near else " by anybody; remove it")
        )


def _unread(file: SdlFile, notes: Notes, more_documents: bool) -> Iterator[SdlWarning]:
    yield from unread_keys(notes)
    if more_documents:
        yield SdlWarning("", "only the first YAML document is read; what follows --- is ignored")
    if file.included is not None:
        yield _warn(file.included, "include is accepted and ignored: nothing is included")
    for service in file.services.values():
        for dead in service.dead_keys:
            yield _warn(dead, "dependencies are accepted and ignored: services start in no particular order")


def _undeployed(file: SdlFile) -> Iterator[SdlWarning]:
    deployed = {d.service for d in file.deployed}
    for name, service in file.services.items():
        if name not in deployed:
            yield _warn(service.at, f"service {name!r} is not under deployment, so it will not run")


def _counts(file: SdlFile) -> Iterator[SdlWarning]:
    for d in file.deployed:
        if d.count == 0:
            yield _warn(d.at, "count is 0: the service is part of the deployment, but no replica will run")
        elif d.count > MEANT_MAX_COUNT:
            yield _warn(
                d.at.find("count"), f"more than {MEANT_MAX_COUNT} replicas are accepted by the chain; few providers bid"
            )


def _prices(file: SdlFile) -> Iterator[SdlWarning]:
    for d in file.deployed:
        priced = file.profiles.placement[d.placement].pricing[d.profile]
        if priced.price is not None and priced.price.denom != "uact":
            at = priced.at.find("denom")
            yield _warn(
                at, f"today's chain takes new deployments priced in uact only, and refuses {priced.price.denom}"
            )


def _volumes(file: SdlFile) -> Iterator[SdlWarning]:
    for d in file.deployed:
        profile, service = file.profiles.compute[d.profile], file.services[d.service]
        mounted = {m.volume for m in service.params.mounts} if service.params else set()
        for v in profile.volumes:
            if v.storage.name in mounted:
                continue
            if v.storage.persistent:
                yield _warn(
                    v.at,
                    f"the persistent volume {v.storage.name!r} costs, but service {d.service!r} mounts it nowhere",
                )
            elif v.storage.storage_class == "ram":
                yield _warn(
                    v.at,
                    f"service {d.service!r} does not mount the ram volume {v.storage.name!r}; /dev/shm is usual",
                )
    for name in sorted({d.profile for d in file.deployed}):
        profile = file.profiles.compute[name]
        if len(profile.volumes) > USUAL_MAX_VOLUMES:
            yield _warn(
                profile.at.find("storage"), f"most providers do not bid on more than {USUAL_MAX_VOLUMES} volumes"
            )


def _gpus(file: SdlFile) -> Iterator[SdlWarning]:
    for profile in file.profiles.compute.values():
        at = profile.at.find("gpu")
        if profile.at.path != at.path and isinstance(at.node, Scalar) and not at.is_null:
            yield _warn(at, "a bare number means no GPU; write units and attributes under gpu")
        vendor = at.find("attributes", "vendor")
        if vendor.path.endswith(".vendor") and isinstance(vendor.node, Mapping):
            names = [name for name, _ in vendor.entries()]
            if names and "nvidia" not in names:
                yield _warn(vendor, f"{', '.join(names)} is ignored: this asks for any nvidia card")


def _service(file: SdlFile, service: ServiceSpec) -> Iterator[SdlWarning]:
    at = service.at
    if len(service.name) > LONGEST_USEFUL_NAME:
        yield _warn(at, f"Kubernetes cannot make all objects for a name longer than {LONGEST_USEFUL_NAME} characters")
    if ":" not in service.image.rpartition("/")[2] or service.image.endswith(":latest"):
        yield _warn(at.find("image"), "without a fixed tag the image can change at any restart; give it a version")
    for key, values in (("command", service.command), ("args", service.args), ("env", service.env)):
        if values == ():
            yield _warn(at.find(key), "an empty list gives another version hash than leaving the key out")
    env = at.find("env")
    for i, entry in enumerate(service.env or ()):
        name, given, value = entry.partition("=")
        if given and value and _SECRET.search(name):
            yield _warn(env.find(i), f"{name} travels in clear text in the manifest; the provider can read it")
    if service.credentials is not None:
        yield _warn(
            at.find("credentials", "password"),
            "the registry password travels in clear text; use one that can only pull",
        )
        if file.rules is Rules.V2_0 and service.credentials.email:
            yield _warn(at.find("credentials", "email"), "version 2.0 drops the e-mail; write version 2.1 to send it")
    yield from _exposes(service)
    yield from _shadowed(file, service)


def _exposes(service: ServiceSpec) -> Iterator[SdlWarning]:
    for e in service.expose:
        if e.as_ > 65535:
            yield _warn(e.at.find("as"), "there is no port above 65535; nobody will reach this one")
        if not any(to.service or to.global_ for to in e.to):
            yield _warn(
                e.at,
                "without to: this port is open to nobody outside the service; add - global: true or - service: name",
            )
        effective, udp = e.as_ or e.port, e.proto.upper() == "UDP"
        for to in e.to:
            if to.global_ and not to.ip and e.as_ and (effective != 80 or udp):
                what = "the world reaches this port at a random number the provider gives, not at `as`"
                yield _warn(e.at.find("as"), f"{what}; lease an ip to choose it")
        if e.accept and any(to.global_ for to in e.to) and (effective != 80 or udp):
            yield _warn(e.at.find("accept"), "host names work on HTTP only: port 80 outside, tcp")
        if e.accept and not any(to.global_ for to in e.to):
            yield _warn(e.at.find("accept"), "host names have no effect on a port that is not global")
        if e.http.proxy_buffer_size_bytes:
            what = "providers that do not know proxy_buffer_size refuse the whole manifest"
            yield _warn(e.at.find("http_options", "proxy_buffer_size"), what)


def _shadowed(file: SdlFile, service: ServiceSpec) -> Iterator[SdlWarning]:
    """Of a service's ports with one number outside, the first is where that number leads (manifests/render/service.py;
    kubernetes.md §2.12). A leased address leads to its own port in any case."""
    leads: dict[tuple[int, str, bool], int] = {}
    for placed in exposes(service, address_numbers(file.services.values())):
        expose, number = placed.expose, placed.expose.effective_port
        at_node_port = expose.global_ and not expose.is_ingress
        first = leads.setdefault((number, expose.proto, at_node_port), expose.port)
        if first != expose.port and not expose.ip:
            what = f"{number}/{expose.proto} of this service leads to container port {first}"
            cure = (
                "host names make no difference: give it a service of its own"
                if expose.is_ingress
                else "write another `as`"
            )
            yield _warn(placed.at, f"{what}, so {expose.port} is not reached; {cure}")


def _totals(built: Built) -> Iterator[SdlWarning]:
    for g, group in enumerate(built.groups):
        at = built.places[f"groups[{g}]"]
        total = sum(v.quantity_bytes * u.count for u in group.resources for v in u.resources.storage)
        if total > 100 * TIB:
            yield _warn(
                at, f"placement {group.name!r} asks for {total // TIB} TiB of storage in all; nothing checks that sum"
            )
        addresses = {
            e.sequence_number
            for u in group.resources
            for e in u.resources.endpoints
            if e.kind is EndpointKind.LEASED_IP
        }
        if addresses and not any(a.key == "ip-lease" for a in group.requirements.attributes):
            yield _warn(
                at, "leases an address but does not require ip-lease of the provider; those without it will not bid"
            )
