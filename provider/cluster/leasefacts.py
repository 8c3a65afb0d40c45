"""What the cluster shows of one lease, gathered from the mirrors: all that its conditions are judged by. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import ManifestGroup
from manifests.render.crd import StoredManifest, provider_hosts
from manifests.render.leased_ip import LeasedPort, leased_ports
from manifests.render.names import RESTRICTIONS
from manifests.render.network import network_policies, without_api_servers
from manifests.render.site import Site
from provider.cluster.api.marks import mark_of_rules
from provider.cluster.health.namespaces import Namespace
from provider.cluster.health.status import ServiceFacts
from provider.cluster.health.workloads import ServiceHealth
from provider.cluster.mirrors import Mirrors
from provider.cluster.routes.waiting import Waiting

SILENT_S = 120
"""A route of which no controller has said anything for this long is taken for not served."""


@dataclass(frozen=True, slots=True)
class LeaseFacts:
    """`isolated_unix_s` is when its default-deny policy was made, None without one. `hosts` are the names its manifest
    is to be reached by, `routed` those that lead to it, `elsewhere` those that another lease has. `addresses` is
    port -> its leased addresses, of the ports that are to have one. `unseen_s` is since when some mirror has not heard
    of the API server; what is told is then what was last known."""

    lease: LeaseID
    stored: StoredManifest | None = None
    namespace: Namespace | None = None
    isolates: bool = True
    """whether the provider does so at all"""
    isolated_unix_s: int | None = None
    changed: tuple[str, ...] = ()
    """network policies with the daemon's labels that are not as rendered"""
    opened: Mapping[str, str] = field(default_factory=dict)
    """network policy of somebody else in its namespace -> which ways it opens"""
    without_api_servers: tuple[str, ...] = ()
    """services that may ask the API server and that no policy lets reach it"""
    deployed: Mapping[str, int] = field(default_factory=dict)
    """service -> when its workload was made"""
    services: Mapping[str, ServiceHealth] = field(default_factory=dict)
    hosts: frozenset[str] = frozenset()
    routed: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    unserved: Mapping[str, str] = field(default_factory=dict)
    """host name whose route is there -> why no controller serves it, as far as that shows"""
    lacks_class: str = ""
    """the IngressClass that its host names need and the cluster has not"""
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unseen_s: float = 0.0
    waiting: tuple[Waiting, ...] = ()
    """why names and ports do not lead to it, as far as this process has tried"""


def lease_facts(
    mirrors: Mirrors,
    lease: LeaseID,
    site: Site,
    services: Mapping[str, ServiceHealth],
    *,
    unseen_s: float,
    now_unix_s: int,
    waiting: tuple[Waiting, ...] = (),
    deployed: ManifestGroup | None = None,
) -> LeaseFacts:
    """`deployed` is what this process has deployed, where that is not what is stored: an update was refused."""
    name = lease_namespace(lease)
    stored = mirrors.stored.get(lease)
    policy = mirrors.policies.get(name, RESTRICTIONS)
    hosts = {obj["metadata"]["name"] for obj in provider_hosts(lease, stored.group, site)} if stored else set()
    claims = {host: mirrors.hosts.get(site.manifest_namespace, host) for host in hosts}
    workloads = [*mirrors.deployments.within(name).values(), *mirrors.stateful_sets.within(name).values()]
    ports = leased_ports(stored.group) if stored else ()
    balancers = mirrors.services.within(name)
    return LeaseFacts(
        lease,
        stored,
        mirrors.namespaces.get("", name),
        site.network_policies,
        policy.made_unix_s if policy is not None else None,
        _changed(mirrors, lease, deployed or (stored.group if stored else None), site),
        {found.name: found.opens for found in mirrors.foreign_policies.within(name).values()},
        tuple(without_api_servers(stored.group, site)) if stored else (),
        {workload.service: workload.made_unix_s for workload in workloads},
        services,
        frozenset(hosts),
        frozenset(route.host for route in mirrors.hosts_within(name)),
        frozenset(host for host, claim in claims.items() if claim is not None and claim.lease not in (None, lease)),
        _unserved(mirrors, name, now_unix_s),
        _lacking(mirrors, name, site),
        {_called(port): _given(balancers.get(port.service_name)) for port in ports},
        unseen_s,
        waiting,
    )


def _changed(mirrors: Mirrors, lease: LeaseID, group: ManifestGroup | None, site: Site) -> tuple[str, ...]:
    """Also what has been added; one that is missing shuts rather than opens, but for the first (`isolated_unix_s`)."""
    if group is None or not site.network_policies:
        return ()
    wanted = {obj["metadata"]["name"]: mark_of_rules(obj) for obj in network_policies(lease, group, site, "")}
    live = mirrors.policies.within(lease_namespace(lease))
    return tuple(sorted(name for name, policy in live.items() if wanted.get(name) != policy.rules))


def _unserved(mirrors: Mirrors, namespace: str, now_unix_s: int) -> dict[str, str]:
    """Only of HTTPRoutes: an Ingress's controller says nothing when it serves none."""
    out: dict[str, str] = {}
    for facts in mirrors.http_routes.within(namespace).values():
        why = facts.status.refused
        if not why and not facts.status.taken and now_unix_s - facts.made_unix_s > SILENT_S:
            why = "no Gateway's controller has said anything of it"
        out |= {route.host: why for route in facts.routes if why}
    return out


def _lacking(mirrors: Mirrors, namespace: str, site: Site) -> str:
    """One that is served all the same, by a controller that looks at names only, lacks nothing."""
    asks = [facts for facts in mirrors.ingresses.within(namespace).values() if not facts.status.taken]
    known = mirrors.ingress_classes
    lacks = site.ingress_mode == "ingress" and known.readable and known.get("", site.ingress_class) is None
    return site.ingress_class if asks and lacks else ""


def _called(port: LeasedPort) -> str:
    return f"{port.service} {port.external_port}/{port.proto} on {port.endpoint}"


def _given(service: ServiceFacts | None) -> tuple[str, ...]:
    return service.addresses if service is not None else ()
