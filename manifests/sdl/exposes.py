"""Exposes of a service as the manifest lists them, and the endpoints they cost on chain (sdl-manifest.md §8.1, §8.2c,
§8.2d)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from manifests.check import expose_before
from manifests.gosort import go_sorted
from manifests.manifest import Expose
from manifests.resources import Endpoint, EndpointKind
from manifests.sdl.cursor import Cursor
from manifests.sdl.services import ServiceSpec, http_options, protocol


@dataclass(frozen=True, slots=True)
class Placed:
    """An expose and where it was written."""

    at: Cursor
    expose: Expose


def address_numbers(services: Iterable[ServiceSpec]) -> dict[str, int]:
    """The sequence number of each leased address. Every non-global receiver that is written counts as the address "",
    and a name used several times keeps its last position, so numbers have gaps; they are hashed as they are."""
    names = sorted(to.ip for s in services for e in s.expose for to in e.to if to.ip or not to.global_)
    return {name: i for i, name in enumerate(names, start=1)}


def exposes(service: ServiceSpec, addresses: dict[str, int]) -> tuple[Placed, ...]:
    """One expose per port and receiver, in the order of the manifest."""
    found: list[Placed] = []
    for exposed in service.expose:
        proto, options = protocol(exposed), http_options(exposed.http)
        for to in exposed.receivers:
            number = addresses[to.ip] if to.global_ and to.ip else 0
            found.append(
                Placed(
                    exposed.at,
                    Expose(
                        port=exposed.port,
                        external_port=exposed.as_,
                        proto=proto,
                        service=to.service,
                        global_=to.global_,
                        hosts=exposed.accept,
                        http_options=options,
                        ip=to.ip,
                        endpoint_sequence_number=number,
                    ),
                )
            )
    return go_sorted(found, lambda x, y: expose_before(x.expose, y.expose))


def endpoints(placed: Iterable[Placed]) -> tuple[Endpoint, ...]:
    """What the exposes to the world cost: shared HTTP or a random port each, and a leased address besides when
    named."""
    found: list[Endpoint] = []
    for e in (p.expose for p in placed if p.expose.global_):
        found.append(Endpoint(EndpointKind.SHARED_HTTP if e.is_ingress else EndpointKind.RANDOM_PORT))
        if e.ip:
            found.append(Endpoint(EndpointKind.LEASED_IP, e.endpoint_sequence_number))
    return tuple(found)


def merged(own: tuple[Endpoint, ...], more: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    """The endpoints of two services that share a unit."""
    return go_sorted(own + more, lambda x, y: x.sequence_number < y.sequence_number)
