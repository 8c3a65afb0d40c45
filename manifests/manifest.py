"""The tenant's manifest as values: groups of services with image, environment, exposes and parameters.

The one subtlety: "no list" (None) and "an empty list" (()) are different manifests with different hashes, so both are
kept.
Field names follow the JSON a tenant PUTs (sdl-manifest.md §10) in Python spelling.
"""

from __future__ import annotations

from dataclasses import dataclass

from manifests.resources import Resources


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Proxy settings of an ingress expose; sizes in bytes, times in milliseconds."""

    max_body_size_bytes: int = 1048576
    read_timeout_ms: int = 60000
    send_timeout_ms: int = 60000
    next_tries: int = 3
    next_timeout_ms: int = 0
    next_cases: tuple[str, ...] = ("error", "timeout")
    proxy_buffer_size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Expose:
    port: int
    external_port: int
    """0 when the tenant gave no `as`; `effective_port` is what others connect to."""
    proto: str
    """TCP or UDP."""
    service: str
    global_: bool
    hosts: tuple[str, ...] | None
    http_options: HttpOptions
    ip: str
    endpoint_sequence_number: int

    @property
    def effective_port(self) -> int:
        return self.external_port or self.port

    @property
    def is_ingress(self) -> bool:
        """Reached by host name through the ingress (kubernetes.md §2.1): global, TCP, port 80."""
        return self.global_ and self.proto == "TCP" and self.effective_port == 80


@dataclass(frozen=True, slots=True)
class StorageParams:
    name: str
    mount: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class Permissions:
    read: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Tee:
    type: str
    attestation: bool


@dataclass(frozen=True, slots=True)
class Params:
    storage: tuple[StorageParams, ...] | None
    permissions: Permissions | None = None
    tee: Tee | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    host: str
    email: str
    username: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(host={self.host!r}, username={self.username!r}, password=…)"


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    image: str
    command: tuple[str, ...] | None
    args: tuple[str, ...] | None
    env: tuple[str, ...] | None
    resources: Resources
    count: int
    expose: tuple[Expose, ...]
    params: Params | None = None
    credentials: Credentials | None = None
    expose_is_null: bool = False
    """The tenant sent no list of exposes, not even an empty one; no SDL compiler does."""


@dataclass(frozen=True, slots=True)
class ManifestGroup:
    name: str
    services: tuple[Service, ...]


Manifest = tuple[ManifestGroup, ...]
