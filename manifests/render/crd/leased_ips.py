"""ProviderLeasedIP: the claim of a lease on one port of one leased address. Its name says owner, endpoint, protocol and
port, so a tenant has each once, whichever of his leases has it."""

from __future__ import annotations

from typing import Any

from manifests.hostnames import ip_sharing_key
from manifests.ids import LeaseID
from manifests.manifest import ManifestGroup
from manifests.render import names
from manifests.render.crd.write import lease_id
from manifests.render.leased_ip import LeasedPort, leased_ports
from manifests.render.site import Site


def provider_leased_ips(lease: LeaseID, group: ManifestGroup, site: Site) -> list[dict[str, Any]]:
    """One per port on a leased address, in the manifest's order."""
    return [_provider_leased_ip(lease, port, site) for port in leased_ports(group)]


def _provider_leased_ip(lease: LeaseID, port: LeasedPort, site: Site) -> dict[str, Any]:
    told = {"service-name": port.service, "external-port": str(port.external_port), "proto": port.proto}
    return {
        "apiVersion": "akash.network/v2beta2",
        "kind": "ProviderLeasedIP",
        "metadata": {
            "name": port.claim_name(lease.owner),
            "namespace": site.manifest_namespace,
            "labels": {**names.route_labels(lease), **told},
        },
        "spec": {
            "lease_id": lease_id(lease),
            "service_name": port.service,
            "port": port.port,
            "external_port": port.external_port,
            "protocol": port.proto,
            "sharing_key": ip_sharing_key(lease.owner, port.endpoint),
        },
    }
