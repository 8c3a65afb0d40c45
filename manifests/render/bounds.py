"""How much one group may ask of the API server: what goes beyond would fill etcd or never be stored.

Nothing on the market bounds these: services of no replicas cost nothing on chain, and texts are as long as the
gateway's largest body. Every ordinary manifest is smaller by orders of magnitude.
"""

from __future__ import annotations

from collections.abc import Iterator

from manifests.errors import ManifestInvalid
from manifests.manifest import ManifestGroup, Service

MOST_SERVICES = 250
MOST_EXPOSES = 250
"""Per service; NodePorts come from a range of 2,768 for the whole cluster."""
MOST_HOSTS = 100
"""Per service: each is an Ingress or HTTPRoute and a claim of its own."""
MOST_EXPOSES_IN_ALL = 1000
MOST_HOSTS_IN_ALL = 500
"""Of a group. Ports inside of a lease cost nothing on chain and are rules on every node, and names are what one proxy
has for all tenants."""
MOST_TEXT_BYTES = 1 << 20
"""Of all texts of a group together; etcd takes no request above 1.5 MiB, and the Manifest holds them all."""


def check_bounds(group: ManifestGroup, before: str) -> None:
    """ManifestInvalid at what is too much; `before` is where the group stands, e.g. `[0].`."""
    if len(group.services) > MOST_SERVICES:
        what = f"a group may have {MOST_SERVICES} services here; this one has {len(group.services)}"
        raise ManifestInvalid(f"{before}services", what, value=len(group.services))
    for index, service in enumerate(group.services):
        path = f"{before}services[{index}].expose"
        if len(service.expose) > MOST_EXPOSES:
            what = f"a service may have {MOST_EXPOSES} exposes here; this one has {len(service.expose)}"
            raise ManifestInvalid(path, what, value=len(service.expose))
        hosts = sum(len(e.hosts or ()) for e in service.expose)
        if hosts > MOST_HOSTS:
            what = f"a service may have {MOST_HOSTS} host names here; this one has {hosts}"
            raise ManifestInvalid(path, what, value=hosts)
    exposes = [expose for service in group.services for expose in service.expose]
    hosts = sum(len(e.hosts or ()) for e in exposes)
    for what, count, most in (
        ("exposes", len(exposes), MOST_EXPOSES_IN_ALL),
        ("host names", hosts, MOST_HOSTS_IN_ALL),
    ):
        if count > most:
            message = f"the services of a group may have {most} {what} in all here; these have {count}"
            raise ManifestInvalid(f"{before}services", message, value=count)
    size = sum(len(text.encode()) for service in group.services for text in _texts(service))
    if size > MOST_TEXT_BYTES:
        texts = "images, commands, arguments, variables and host names"
        what = f"{texts} of a group may have {MOST_TEXT_BYTES} bytes, not {size}"
        raise ManifestInvalid(f"{before}services", what, value=size)


def _texts(service: Service) -> Iterator[str]:
    yield service.image
    for texts in (service.command, service.args, service.env):
        yield from texts or ()
    for expose in service.expose:
        yield from (expose.service, expose.ip, *(expose.hosts or ()), *expose.http_options.next_cases)
    if service.credentials is not None:
        given = service.credentials
        yield from (given.host, given.email, given.username, given.password)
