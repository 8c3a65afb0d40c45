"""All objects of one lease, in the order of apply; the reading order of this package."""

from __future__ import annotations

from typing import Any

from manifests.ids import LeaseID
from manifests.manifest import ManifestGroup, Service
from manifests.render.admissible import check_renderable
from manifests.render.crd import provider_hosts, provider_leased_ips
from manifests.render.disruption import disruption_budget
from manifests.render.leased_ip import load_balancers
from manifests.render.namespace import namespace
from manifests.render.network import network_policies
from manifests.render.rbac import access
from manifests.render.routes import routes
from manifests.render.secrets import pull_secret
from manifests.render.service import services
from manifests.render.site import DEFAULT_PLAN, Plan, Site
from manifests.render.workload import workload


def render(
    lease: LeaseID,
    group: ManifestGroup,
    plan: Plan,
    site: Site,
    revision: str,
) -> list[dict[str, Any]]:
    """All objects of a lease except its Manifest, in apply order.

    `revision` becomes the label akash.network/manifest.resource.version. Last come the claims (ProviderHosts and
    ProviderLeasedIPs), which another lease may have for now. Raises ManifestInvalid when Kubernetes would refuse the
    outcome, PlanInvalid where a service with GPUs has no card in `plan`.
    """
    check_renderable(group)
    objects = [namespace(lease, site, revision), *network_policies(lease, group, site, revision)]
    for service in sorted(group.services, key=_hardest_to_place):
        objects += access(lease, service, revision)
        objects += pull_secret(lease, service, revision)
        objects.append(workload(lease, service, plan.get(service.name, DEFAULT_PLAN), site, revision))
        objects += disruption_budget(lease, service, site, revision)
        objects += services(lease, service, revision)
    for service in group.services:
        objects += routes(lease, service, site)
    objects += load_balancers(lease, group, site)
    return [
        *objects,
        *provider_hosts(lease, group, site),
        *provider_leased_ips(lease, group, site),
    ]


def _hardest_to_place(service: Service) -> tuple[int, int, int]:
    """The scheduler takes pods as they come, so those that fit few nodes come before those that could take the last
    of these."""
    wanted = service.resources
    return -wanted.gpu.units, -wanted.memory.quantity_bytes, -wanted.cpu.milli
