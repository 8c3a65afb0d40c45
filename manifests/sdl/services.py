"""The `services` block: what runs, with which environment, and who may reach it (sdl-manifest.md §4).

Reading checks only what the reference checks while reading; a service nobody deploys is read, and then forgotten.
What is wrong with a deployed one is found by `build` and `agree`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from manifests.manifest import Credentials, HttpOptions
from manifests.sdl.cursor import Cursor, layered

_NEXT_CASES = ("error", "timeout", "500", "502", "503", "504", "403", "404", "429", "off")
_MAX_BODY_BYTES = 104857600
_MAX_TIMEOUT_MS = 60000
_MAX_PROXY_BUFFER_BYTES = 1048576
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_IN_A_HOST = re.compile(r"[ #\\^`{|}]|%(?![89a-fA-F][0-9a-fA-F]|25)|:[0-9]*[^0-9:\]][^:\]]*$")
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")


@dataclass(frozen=True, slots=True)
class To:
    """Who may reach an exposed port: another service, the world (`global`), the world through a leased address
    (`ip`)."""

    at: Cursor
    service: str = ""
    global_: bool = False
    ip: str = ""


@dataclass(frozen=True, slots=True)
class Http:
    """`http_options` as written; 0 and an empty list stand for the default."""

    at: Cursor
    max_body_size_bytes: int
    read_timeout_ms: int
    send_timeout_ms: int
    next_tries: int
    next_timeout_ms: int
    next_cases: tuple[str, ...]
    proxy_buffer_size_bytes: int


@dataclass(frozen=True, slots=True)
class Exposed:
    at: Cursor
    port: int
    as_: int
    proto: str
    """As written; the key of an address's port compares this text."""
    to: tuple[To, ...]
    """As written; `receivers` is who may connect."""
    accept: tuple[str, ...] | None
    http: Http

    @property
    def receivers(self) -> tuple[To, ...]:
        """Without `to` the port is exposed to nobody in particular, and still is one expose of the manifest."""
        return self.to or (To(self.at),)


@dataclass(frozen=True, slots=True)
class Mount:
    at: Cursor
    volume: str
    mount: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class Parameters:
    at: Cursor
    mounts: tuple[Mount, ...]
    """In the order of the volumes' names."""
    has_permissions: bool
    read: tuple[str, ...] | None
    tee: str


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    at: Cursor
    name: str
    image: str
    command: tuple[str, ...] | None
    args: tuple[str, ...] | None
    env: tuple[str, ...] | None
    expose: tuple[Exposed, ...]
    params: Parameters | None
    credentials: Credentials | None
    """As written."""
    dead_keys: tuple[Cursor, ...]


def read_services(blocks: Iterable[Cursor]) -> dict[str, ServiceSpec]:
    return layered(blocks, _service)


def http_options(http: Http) -> HttpOptions:
    """The options with defaults in place of zeros; SdlInvalid above the limits or for an unknown case."""
    limits = (
        ("max_body_size", http.max_body_size_bytes, _MAX_BODY_BYTES, "bytes"),
        ("read_timeout", http.read_timeout_ms, _MAX_TIMEOUT_MS, "milliseconds"),
        ("send_timeout", http.send_timeout_ms, _MAX_TIMEOUT_MS, "milliseconds"),
        ("proxy_buffer_size", http.proxy_buffer_size_bytes, _MAX_PROXY_BUFFER_BYTES, "bytes"),
    )
    for name, value, limit, unit in limits:
        if value > limit:
            raise http.at.find(name).fail(f"is {value}; at most {limit} {unit} are allowed", value)
    for i, case in enumerate(http.next_cases):
        if case not in _NEXT_CASES:
            raise http.at.find("next_cases", i).fail(f"{case!r} is not one of {', '.join(_NEXT_CASES)}", case)
    if "off" in http.next_cases and len(http.next_cases) > 1:
        raise http.at.find("next_cases").fail("'off' must stand alone")
    default = HttpOptions()
    return HttpOptions(
        max_body_size_bytes=http.max_body_size_bytes or default.max_body_size_bytes,
        read_timeout_ms=http.read_timeout_ms or default.read_timeout_ms,
        send_timeout_ms=http.send_timeout_ms or default.send_timeout_ms,
        next_tries=http.next_tries or default.next_tries,
        next_timeout_ms=http.next_timeout_ms or default.next_timeout_ms,
        next_cases=http.next_cases or default.next_cases,
        proxy_buffer_size_bytes=http.proxy_buffer_size_bytes,
    )


def protocol(exposed: Exposed) -> str:
    """TCP or UDP, from any case; nothing means TCP."""
    proto = exposed.proto.upper() or "TCP"
    if proto not in ("TCP", "UDP"):
        raise exposed.at.find("proto").fail("must be tcp or udp", exposed.proto)
    return proto


def _service(name: str, at: Cursor) -> ServiceSpec:
    f = at.fields("image", "command", "args", "env", "expose", "dependencies", "params", "credentials")
    for dependency in f["dependencies"].items() or ():
        dependency.fields("service")["service"].text()
    return ServiceSpec(
        at=at,
        name=name,
        image=f["image"].text(),
        command=f["command"].texts(),
        args=f["args"].texts(),
        env=f["env"].texts(),
        expose=tuple(_exposed(e) for e in f["expose"].items() or ()),
        params=_parameters(f["params"]) if f["params"] else None,
        credentials=_credentials(f["credentials"]) if f["credentials"] else None,
        dead_keys=(f["dependencies"],) if f["dependencies"] else (),
    )


def _exposed(at: Cursor) -> Exposed:
    f = at.fields("port", "as", "proto", "to", "accept", "http_options")
    accept = f["accept"].texts()
    for i, host in enumerate(accept or ()):
        if not _could_follow_http(host):
            raise f["accept"].find(i).fail(f"{host!r} is not a host name", host)
    return Exposed(
        at=at,
        port=f["port"].uint32(),
        as_=f["as"].uint32(),
        proto=f["proto"].text(),
        to=tuple(_to(t) for t in f["to"].items() or ()),
        accept=accept,
        http=_http(f["http_options"]),
    )


def _could_follow_http(host: str) -> bool:
    """Whether `http://` and this could be a URL, which is all that is asked of a service nobody deploys."""
    path = host.partition("?")[0]
    authority = path.partition("/")[0].rpartition("@")[2]
    return not (_CONTROL.search(host) or _NOT_IN_A_HOST.search(authority) or _BAD_ESCAPE.search(path))


def _to(at: Cursor) -> To:
    f = at.fields("service", "global", "ip", "http_options")
    if f["http_options"]:
        _http(f["http_options"])  # read, and forgotten
    return To(at, f["service"].text(), f["global"].truth(), f["ip"].text())


def _http(at: Cursor) -> Http:
    f = at.fields(
        "max_body_size", "read_timeout", "send_timeout", "next_tries", "next_timeout", "next_cases", "proxy_buffer_size"
    )
    return Http(
        at=at,
        max_body_size_bytes=f["max_body_size"].uint32(),
        read_timeout_ms=f["read_timeout"].uint32(),
        send_timeout_ms=f["send_timeout"].uint32(),
        next_tries=f["next_tries"].uint32(),
        next_timeout_ms=f["next_timeout"].uint32(),
        next_cases=f["next_cases"].texts() or (),
        proxy_buffer_size_bytes=f["proxy_buffer_size"].uint32(),
    )


def _parameters(at: Cursor) -> Parameters:
    f = at.fields("storage", "permissions", "tee")
    mounts = []
    for volume, inner in sorted(f["storage"].entries(), key=lambda entry: entry[0]):
        m = inner.fields("mount", "readOnly")
        mounts.append(Mount(inner, volume, m["mount"].text(), m["readOnly"].truth()))
    permissions = f["permissions"].fields("read")
    return Parameters(at, tuple(mounts), bool(f["permissions"]), permissions["read"].texts(), f["tee"].text())


def _credentials(at: Cursor) -> Credentials:
    f = at.fields("host", "email", "username", "password")
    return Credentials(f["host"].text(), f["email"].text(), f["username"].text(), f["password"].text())
