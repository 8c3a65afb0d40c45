"""ProviderHost: the claim of a lease on a host name. Its name is the host name, so a provider has each name once."""

from __future__ import annotations

from typing import Any

from manifests.ids import LeaseID
from manifests.manifest import ManifestGroup
from manifests.render import names
from manifests.render.routes import ingress_hosts
from manifests.render.site import Site


def provider_hosts(lease: LeaseID, group: ManifestGroup, site: Site) -> list[dict[str, Any]]:
    """One per host name of each service's ingress, sorted within a service."""
    return [
        _provider_host(lease, service.name, host, site)
        for service in group.services
        for host in ingress_hosts(lease, service, site)
    ]


def _provider_host(lease: LeaseID, service: str, host: str, site: Site) -> dict[str, Any]:
    return {
        "apiVersion": "akash.network/v2beta2",
        "kind": "ProviderHost",
        "metadata": {"name": host, "namespace": site.manifest_namespace, "labels": names.route_labels(lease)},
        "spec": {
            "hostname": host,
            "owner": lease.owner,
            "provider": lease.provider,
            "dseq": lease.dseq,
            "gseq": lease.gseq,
            "oseq": lease.oseq,
            "service_name": service,
            "external_port": 80,
        },
    }
