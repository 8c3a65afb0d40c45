"""Whether the blocks of a file agree: what is deployed exists, volumes are mounted well, addresses are used once
(sdl-manifest.md §12.1)."""

from __future__ import annotations

import re

from manifests.sdl.document import Deployed, SdlFile
from manifests.sdl.profiles import ComputeProfile
from manifests.sdl.services import Mount, ServiceSpec
from manifests.sdl.version import Rules

GO_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""What Go's TrimSpace removes."""

_ENDPOINT_NAME = re.compile(r"[a-z]+[a-z\-_0-9]+", re.ASCII)
_TEES = ("cpu", "cpu-gpu")
_Port = tuple[str, int, str]


def check_agree(file: SdlFile) -> None:
    """SdlInvalid at the first contradiction."""
    _check_endpoints(file)
    used: dict[_Port, str] = {}
    known = {e.name for e in file.endpoints}
    for d in file.deployed:
        service, profile = _check_references(file, d)
        _check_credentials(service)
        _check_addresses(known, service, used)
        _check_mounts(file.rules, d, service, profile)
        _check_tee(service, profile)
    named = {address for address, _, _ in used}
    for e in file.endpoints:
        if e.name not in named:
            raise e.at.fail(
                f"the endpoint {e.name!r} is not used by any deployed service; remove it or name it in to: ip"
            )


def _check_endpoints(file: SdlFile) -> None:
    for e in file.endpoints:
        if not _ENDPOINT_NAME.fullmatch(e.name):
            raise e.at.fail(
                "an endpoint's name has at least two of a-z, 0-9, - and _, and begins with a letter", e.name
            )
        if e.kind != "ip":
            raise e.at.find("kind").fail("must be ip, the one kind of endpoint there is", e.kind)


def _check_references(file: SdlFile, d: Deployed) -> tuple[ServiceSpec, ComputeProfile]:
    service = file.services.get(d.service)
    if service is None:
        raise d.at.fail(f"there is no service {d.service!r}", d.service)
    profile = file.profiles.compute.get(d.profile)
    if profile is None:
        raise d.at.find("profile").fail(f"there is no compute profile {d.profile!r}", d.profile)
    placement = file.profiles.placement.get(d.placement)
    if placement is None:
        raise d.at.fail(f"there is no placement {d.placement!r}", d.placement)
    if d.profile not in placement.pricing:
        raise placement.at.find("pricing").fail(f"has no price for the profile {d.profile!r}", d.profile)
    if placement.pricing[d.profile].price is None:
        what = "a price needs a denom and an amount, like {denom: uact, amount: 100}"
        raise placement.pricing[d.profile].at.fail(what)
    if not profile.given:
        raise profile.at.fail("is missing; a profile needs resources with cpu, memory and storage")
    for part, given in (("cpu", profile.cpu), ("memory", profile.memory), ("storage", profile.volumes)):
        if not given:
            raise profile.at.find(part).fail(f"the profile {d.profile!r} needs {part}")
    return service, profile


def _check_credentials(service: ServiceSpec) -> None:
    if (c := service.credentials) is None:
        return
    for key, value in (("host", c.host), ("username", c.username), ("password", c.password)):
        if not value.strip(GO_SPACE):
            raise service.at.find("credentials", key).fail(f"the registry credentials need a {key}")


def _check_addresses(known: set[str], service: ServiceSpec, used: dict[_Port, str]) -> None:
    """Ports of one address are told apart by `as` and `proto` as they are written, so a port without `as` counts as
    0."""
    for exposed in service.expose:
        for to in exposed.to:
            if not to.ip:
                continue
            if not to.global_:
                raise to.at.fail("an ip can be given only together with global: true", to.ip)
            if to.ip not in known:
                raise to.at.find("ip").fail(
                    f"there is no endpoint {to.ip!r}; add it under endpoints with kind: ip", to.ip
                )
            port = (to.ip, exposed.as_, exposed.proto)
            if port in used:
                cure = "" if exposed.as_ else "; set `as`, since a port without it counts as port 0"
                what = f"the address {to.ip!r} already has this port for service {used[port]!r}{cure}"
                raise to.at.fail(what, to.ip)
            used[port] = service.name


def _check_mounts(rules: Rules, d: Deployed, service: ServiceSpec, profile: ComputeProfile) -> None:
    volumes = {v.storage.name: v.storage for v in profile.volumes}
    mounts: tuple[Mount, ...] = service.params.mounts if service.params else ()
    taken: dict[str, str] = {}
    for m in mounts:
        volume = volumes.get(m.volume)
        if volume is None:
            raise m.at.fail(f"the profile {d.profile!r} has no volume {m.volume!r}", m.volume)
        if not m.mount.startswith("/"):
            raise m.at.find("mount").fail("must be an absolute path, beginning with /", m.mount)
        if m.mount in taken:
            raise m.at.find("mount").fail(f"{m.mount!r} is already the mount of volume {taken[m.mount]!r}", m.mount)
        taken[m.mount] = m.volume
        if rules is Rules.V2_1 and m.read_only and volume.storage_class == "ram":
            raise m.at.find("readOnly").fail("a volume of class ram cannot be read-only")
    if rules is Rules.V2_0 and not mounts:
        for v in profile.volumes:
            if v.storage.persistent:
                what = f"is persistent, so service {d.service!r} needs params.storage.{v.storage.name}.mount"
                raise v.at.fail(what, v.storage.name)


def _check_tee(service: ServiceSpec, profile: ComputeProfile) -> None:
    if service.params is None or not service.params.tee:
        return
    tee = service.params.tee
    if tee not in _TEES:
        raise service.params.at.find("tee").fail("must be cpu or cpu-gpu", tee)
    if tee == "cpu-gpu" and not profile.gpu.units:
        raise service.params.at.find("tee").fail("cpu-gpu needs a GPU in the service's profile", tee)
