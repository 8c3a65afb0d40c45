"""What everything of a lease is called and labelled in Kubernetes: one place, because takeover and tenants depend on
it.

Names, label keys and selectors are the reference's (kubernetes.md §1.2, §1.3), so its leases can be adopted where
they stand. One addition: the labels of the lease go on every object, not only on some.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from manifests.errors import Invalid
from manifests.ids import LeaseID, lease_namespace

MANAGED = "akash.network"
NAMESPACE = "akash.network/namespace"
SERVICE = "akash.network/manifest-service"
REVISION = "akash.network/manifest.resource.version"
SERVICE_TARGET = "akash.network/service-target"
LEASE_OWNER = "akash.network/lease.id.owner"
LEASE_DSEQ = "akash.network/lease.id.dseq"
LEASE_GSEQ = "akash.network/lease.id.gseq"
LEASE_OSEQ = "akash.network/lease.id.oseq"
LEASE_PROVIDER = "akash.network/lease.id.provider"
CAPABILITY = "akash.network/capabilities"
"""Prefix of the labels that say what a node has; the daemon writes them on nodes (kubernetes.md §5.4)."""

METAL_LB = "metal-lb"
"""Value of `SERVICE_TARGET` on the Services of leased addresses, whoever serves them."""

SELECTOR = f"{MANAGED}=true"
"""Inside a lease's namespace: everything that rendering makes. What matches and was not rendered this time is left
over."""

RESTRICTIONS = "akash-deployment-restrictions"

_LONGEST_NAME = 253
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def lease_labels(lease: LeaseID) -> dict[str, str]:
    """The five parts of a lease's id as label values."""
    return {
        LEASE_OWNER: lease.owner,
        LEASE_DSEQ: str(lease.dseq),
        LEASE_GSEQ: str(lease.gseq),
        LEASE_OSEQ: str(lease.oseq),
        LEASE_PROVIDER: lease.provider,
    }


def lease_of(labels: Mapping[str, str]) -> LeaseID | None:
    """The lease an object belongs to, or None when its labels do not say (or do not make sense)."""
    parts = [labels.get(key, "") for key in (LEASE_OWNER, LEASE_DSEQ, LEASE_GSEQ, LEASE_OSEQ, LEASE_PROVIDER)]
    try:
        return LeaseID.parse("/".join(parts))
    except Invalid:
        return None


def lease_selector(lease: LeaseID) -> str:
    """A label selector for what one lease has outside its namespace (its ProviderHosts and ProviderLeasedIPs)."""
    return ",".join(f"{key}={value}" for key, value in sorted({MANAGED: "true", **lease_labels(lease)}.items()))


def object_labels(lease: LeaseID, revision: str, service: str = "") -> dict[str, str]:
    """Labels of an object in the lease's namespace; `service` when it belongs to one."""
    labels = {MANAGED: "true", NAMESPACE: lease_namespace(lease), REVISION: revision, **lease_labels(lease)}
    return {**labels, SERVICE: service} if service else labels


def metadata(lease: LeaseID, name: str, revision: str, service: str = "") -> dict[str, Any]:
    """Metadata of a namespaced object of the lease; a fresh dict each time, so that no two objects share one."""
    return {"name": name, "namespace": lease_namespace(lease), "labels": object_labels(lease, revision, service)}


def route_labels(lease: LeaseID) -> dict[str, str]:
    """Labels of Ingresses and ProviderHosts: the lease and nothing that changes with a new manifest."""
    return {MANAGED: "true", **lease_labels(lease)}


def pod_labels(lease: LeaseID, service: str) -> dict[str, str]:
    """Labels of pods, and the selector of the workload and Services over them (immutable, so they never say more).

    The revision is left out on purpose: it would change every pod template with every manifest, and a service that
    did not change would restart with those that did (kubernetes.md §9.1 #8). On a workload taken over from the
    reference the old value stays behind in the template (server-side apply does not remove what it never set), so
    adoption by itself restarts nothing either.
    """
    return {MANAGED: "true", NAMESPACE: lease_namespace(lease), SERVICE: service}


def node_port_service(service: str) -> str:
    return f"{service}-np"


def leased_ip_service(service: str, external_port: int, proto: str) -> str:
    return f"{service}-ip-{external_port}-{proto}".lower()


def credentials_secret(service: str) -> str:
    return f"docker-creds-{service}"


def node_port_policy(service: str) -> str:
    return f"akash-{service}-np"


def leased_ip_policy(service: str) -> str:
    return f"akash-{service}-ip"


def api_server_policy(service: str) -> str:
    return f"akash-apiserver-{service}"


def certificate_secret(host: str) -> str:
    """The Secret with a host name's certificate; names of hosts reach the length of names of Secrets."""
    name = f"{host}-tls"
    return name if len(name) <= _LONGEST_NAME else f"{_digest(host)}-tls"


def port_name(index: int, external_port: int) -> str:
    """Name of a Service's port: the expose's place in the manifest and the port others connect to."""
    return f"{index}-{external_port}"


def volume(service: str, name: str) -> str:
    """Name of a volume of a service's pods, and of its volumeClaimTemplate.

    `<service>-<name>` as in the reference; a name Kubernetes would refuse there (too long, upper case …) gets a
    digest in its place, which no tenant can see: pods know volumes by their mount.
    """
    plain = f"{service}-{name}"
    if _LABEL.fullmatch(plain):
        return plain
    return f"{service[:40]}-v{_digest(plain)}"


def _digest(text: str) -> str:
    return base64.b32hexencode(hashlib.sha256(text.encode()).digest()[:10]).decode().lower()
