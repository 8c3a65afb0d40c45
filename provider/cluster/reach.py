"""How leases are reached from outside, for the rest of the daemon: the rules for names, the tasks that keep routes
(routing.py) and look up proofs (proof.py), and moving names and addresses between a tenant's leases.

Moving is one write, of the claim. A daemon killed right after it finds by the claims, when it is back, what still
stands for the old lease and what is missing for the new one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from manifests.hostnames import ip_sharing_key, static_host
from manifests.ids import LeaseID
from manifests.manifest import ManifestGroup
from manifests.render.crd import provider_hosts, provider_leased_ips
from manifests.render.names import lease_selector
from manifests.render.site import Site
from provider.cluster import routing
from provider.cluster.api.kinds import PROVIDER_HOST, SERVICE, kind_of
from provider.cluster.api.kube import Kube
from provider.cluster.inventory.addresses import Addresses, leased_ips_left
from provider.cluster.mirrors import Mirrors
from provider.cluster.objects.apply import delete_labelled
from provider.cluster.routes import proof
from provider.cluster.routes.claims import CLAIMS, Taken, move
from provider.cluster.routes.doors import Door, Key, as_it_stands
from provider.cluster.routes.foreign import Front
from provider.cluster.routes.hostnames import blocked, given_hosts, nameless, why_blocked
from provider.cluster.routes.proof import Lookup, Proof, txt_records
from provider.cluster.routes.waiting import Waiting
from provider.cluster.routing import Routing
from provider.settings import ClusterSettings
from provider.tasks import loop_s, spawn

Claim = Mapping[str, Any]
"""A ProviderHost or ProviderLeasedIP as rendered."""
AGAIN_S = 1.0
"""A lease that was deployed and is not reached yet is looked at again after this, then ever more seldom."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A host name or leased port of a lease. `service` is empty while the lease waits for it; `held_by` is then who has
    it, None for nobody."""

    kind: str
    name: str
    lease: LeaseID | None
    service: str
    address: str
    held_by: LeaseID | None

    @property
    def waits(self) -> bool:
        return not self.service


@dataclass(frozen=True, slots=True)
class Outside:
    """What is asked besides the cluster: DNS and the clock; and how soon what is wrong is looked at again, first and at
    most."""

    lookup: Lookup = txt_records
    now_s: Callable[[], float] = loop_s
    routes_again_s: tuple[float, float] = routing.AGAIN_S
    proofs_again_s: tuple[float, float] = proof.AGAIN_S


class Reach:
    def __init__(
        self,
        kube: Kube,
        mirrors: Mirrors,
        settings: ClusterSettings,
        site: Callable[[], Site],
        outside: Outside | None = None,
    ) -> None:
        outside = outside or Outside()
        self._kube, self._mirrors, self._settings, self._site = kube, mirrors, settings, site
        self.routing = Routing(kube, mirrors, settings.manifest_namespace, self, outside.now_s, outside.routes_again_s)
        self.proof = Proof(
            lambda host: self.routing.look((PROVIDER_HOST, host)), outside.lookup, outside.proofs_again_s
        )

    def start(self, tasks: asyncio.TaskGroup) -> None:
        spawn(tasks, "routing", self.routing.run())
        if self._settings.hostname_proof == "txt":
            spawn(tasks, "proof of host names", self.proof.run())

    async def settle(self, lease: LeaseID) -> None:
        """Open what the lease wants to be reached by. What cannot be yet is told by `waiting`, and tried again."""
        if not await self.routing.settle(lease):
            self.routing.queue.put_after(lease, AGAIN_S)

    def standing(self, lease: LeaseID) -> list[Door]:
        """What the lease is reached by now, whatever its newest manifest says."""
        return [
            as_it_stands(
                (held.kind, self._settings.manifest_namespace, held.name, held.obj),
                [
                    (kind, namespace, name, live)
                    for kind, namespace, name, whose in self._mirrors.routes(held.key)
                    if whose == lease and (live := self._mirrors.route(kind, namespace, name)) is not None
                ],
            )
            for held in self._mirrors.owned()
            if held.lease == lease
        ]

    async def end(self, lease: LeaseID) -> None:
        """Give up all the lease has claimed, also what an earlier daemon claimed for it."""
        await self.routing.forget(lease)
        for kind in CLAIMS:
            await delete_labelled(self._kube, kind, self._settings.manifest_namespace, lease_selector(lease))

    def waiting(self, lease: LeaseID) -> tuple[Waiting, ...]:
        """What of the lease is not reached from outside, and why."""
        return self.routing.waiting(lease)

    def objection(self, lease: LeaseID, group: ManifestGroup) -> str | None:
        """Why a manifest is refused for its host names, in the reference's words (gateway-auth.md §5.2), or None."""
        if not self._site().static_hosts and (missing := nameless(group)) is not None:
            return f'manifest rejected: service "{missing}" exposed on 80:TCP must have a hostname'
        for service in group.services:
            if (
                no := why_blocked(given_hosts(service), self._settings, self._generated(lease, service.name))
            ) is not None:
                return no
        for host in (host for service in group.services for host in given_hosts(service)):
            if (no := self._served_elsewhere(host)) is not None:
                return no
            held = self._mirrors.owner((PROVIDER_HOST, host))
            if held is not None and held.lease is not None and held.lease.owner != lease.owner:
                return f'hostname not allowed: host "{host}" in use'
        return None

    def listed(self) -> list[Listed]:
        """Every claim and every name that a stored manifest wants and another lease has, by name."""
        out = [
            Listed(kind, held.name, held.lease, held.service, self._address(held.key), None)
            for kind, mirror in (("host", self._mirrors.hosts), ("ip", self._mirrors.leased_ips))
            for held in mirror.all()
        ]
        for lease in self._mirrors.stored:
            for key in self.stored(lease):
                held_by = self._mirrors.owner(key)
                if held_by is None or held_by.lease != lease:
                    kind = "host" if key[0] is PROVIDER_HOST else "ip"
                    out.append(Listed(kind, key[1], lease, "", "", held_by.lease if held_by is not None else None))
        return sorted(out, key=lambda row: (row.kind, row.name, row.waits, str(row.lease)))

    # --- moving between leases of one tenant

    def hosts(self, lease: LeaseID) -> dict[str, Claim]:
        """Host name -> claim, of the lease's newest manifest."""
        stored = self._mirrors.stored.get(lease)
        claims = provider_hosts(lease, stored.group, self._site()) if stored is not None else []
        return {claim["metadata"]["name"]: claim for claim in claims}

    def endpoint(self, lease: LeaseID, name: str) -> list[Claim]:
        """The claims of one leased address in the lease's newest manifest."""
        stored = self._mirrors.stored.get(lease)
        claims = provider_leased_ips(lease, stored.group, self._site()) if stored is not None else []
        key = ip_sharing_key(lease.owner, name)
        return [claim for claim in claims if claim["spec"]["sharing_key"] == key]

    def holders(self, claims: Iterable[Claim]) -> set[tuple[LeaseID, str]]:
        """The leases that have them now, and where in these they lead."""
        held = [self._mirrors.owner(_key(claim)) for claim in claims]
        return {(found.lease, found.service) for found in held if found is not None and found.lease is not None}

    async def move(self, lease: LeaseID, claims: Sequence[Claim]) -> None:
        """Make these the lease's, from other leases of the same tenant. Taken, before anything is moved, where another
        tenant has one."""
        for claim in claims:
            held = self._mirrors.owner(_key(claim))
            if held is not None and held.lease is not None and held.lease.owner != lease.owner:
                raise Taken(held)
        for claim in claims:
            await move(self._kube, lease, claim, address=self._address(_key(claim)))

    # --- rules for routing.py

    def forbids(self, lease: LeaseID, host: str, service: str) -> str | None:
        generated = self._generated(lease, service)
        no = why_blocked([host], self._settings, generated)
        return no if no is not None or host in generated else self._served_elsewhere(host)

    def doubt(self, lease: LeaseID, host: str) -> str | None:
        domain = self._settings.ingress_domain.lower()
        if self._settings.hostname_proof == "off" or (domain and host.endswith(f".{domain}")):
            return None  # under the provider's own domain nobody else has a name to prove
        return self.proof.doubt(host, lease.owner)

    def stored(self, lease: LeaseID) -> Collection[Key]:
        stored = self._mirrors.stored.get(lease)
        if stored is None:
            return ()
        site = self._site()
        made = (*provider_hosts(lease, stored.group, site), *provider_leased_ips(lease, stored.group, site))
        return {_key(claim) for claim in made}

    def unwanted(self, owner: str, hosts: Collection[str]) -> None:
        self.proof.forget(owner, hosts)

    # --- figures

    def all_waiting(self) -> Iterable[Waiting]:
        return (waiting for found in self.routing.all_waiting().values() for waiting in found)

    def claimed(self, kind: str) -> int:
        """How many host names ("host") or leased ports ("ip") leases have."""
        return len(self._mirrors.hosts if kind == "host" else self._mirrors.leased_ips)

    def addresses(self, there_are: Addresses) -> dict[str, int]:
        """How many leased addresses there are, after what Services of others hold; how many leases have; what is
        left."""
        others = [s for s in self._mirrors.foreign_services.all() if s.namespace not in self._mirrors.leases]
        total = leased_ips_left(there_are, others)
        used = len({a for s in self._mirrors.services.all() if s.leased_ip for a in s.addresses})
        return {"total": total, "used": used, "free": max(0, total - used)}

    def _address(self, key: Key) -> str:
        """The address that a leased port has; "" for a host name, or none."""
        found = [
            address
            for kind, namespace, name, _ in self._mirrors.routes(key)
            if kind is SERVICE and (facts := self._mirrors.services.get(namespace, name)) is not None
            for address in facts.addresses
        ]
        return found[0] if found else ""

    def _generated(self, lease: LeaseID, service: str) -> set[str]:
        """The generated name that the service may have: its own, not that of another service of its lease."""
        return {static_host(lease, service, self._settings.ingress_domain).lower()}

    def _served_elsewhere(self, host: str) -> str | None:
        """Why nobody may claim a name that another's Ingress or HTTPRoute serves; None when it is claimed already: what
        a lease has is not taken away by whoever comes later."""
        if self._mirrors.owner((PROVIDER_HOST, host)) is not None:
            return None
        settings, leases, front = self._settings, self._mirrors.leases, self._front()
        found = self._mirrors.foreign_hosts.serving(
            host, settings.ingress_domain.lower(), lambda r: r.namespace not in leases and r.served_at(front)
        )
        return blocked(host, f"{found} serves it") if found is not None else None

    def _front(self) -> Front:
        """Ingresses that name no class are of the default one; where none is, of whichever controller takes them."""
        settings = self._settings
        default = {found.name for found in self._mirrors.ingress_classes.all() if found.default}
        unnamed = not default or settings.ingress_class in default
        return Front(settings.ingress_class, unnamed, (settings.gateway_namespace, settings.gateway_name))


def _key(claim: Claim) -> Key:
    return kind_of(claim), claim["metadata"]["name"]
