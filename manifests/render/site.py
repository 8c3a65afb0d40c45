"""What rendering must know besides the manifest: the provider's site, and what was decided when the lease was won."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from manifests.gpus import GpuModel
from manifests.render.isolation import Isolation

DNS_ADDRESSES = ("169.254.20.10", "169.254.25.10")
"""Where node-local DNS caches listen by default: the only link-local addresses a lease may talk to (kubernetes.md §8.4
no. 7)."""


@dataclass(frozen=True, slots=True)
class Site:
    """The provider's cluster as far as it shows in objects. Over-commit is a true percentage: 50 sells one and a
    half times."""

    manifest_namespace: str = "lease"
    ingress_mode: str = "ingress"
    """How host names are routed: `ingress`, or `gateway-api` with HTTPRoutes on one shared Gateway."""
    ingress_class: str = "akash-ingress-class"
    gateway_name: str = "akash-gateway"
    gateway_namespace: str = "akash-gateway"
    gateway_section: str = ""
    """Listener of that Gateway; "" attaches routes to all that take them."""
    ingress_namespaces: tuple[str, ...] = ()
    """Namespaces whose pods may reach all of a lease: where an ingress controller runs that has not ingress-nginx's
    labels."""
    tls_issuer: str = ""
    """cert-manager ClusterIssuer of certificates for tenants' own host names; "" asks for none."""
    tls_generated_hosts: bool = False
    """Ask it for the generated names too, which a wildcard certificate of the controller serves better."""
    ingress_domain: str = ""
    static_hosts: bool = False
    """Give each HTTP service a host name under `ingress_domain` (needed then)."""
    public_hostname: str = ""
    network_policies: bool = True
    overcommit_cpu_percent: int = 0
    overcommit_memory_percent: int = 0
    overcommit_storage_percent: int = 0
    storage_classes: Mapping[str, str] = field(default_factory=dict)
    """Name that tenants ask for -> StorageClass, where the two differ."""
    tolerations: tuple[str, ...] = ()
    """Keys of node taints that the pods of leases tolerate."""
    image_pull_secret: str = ""
    """Secret in each lease namespace, for services without credentials of their own."""
    api_servers: tuple[tuple[str, int], ...] = ()
    """Address and port of each API server behind its Service; only services with permissions may reach them."""
    dns_addresses: tuple[str, ...] = DNS_ADDRESSES
    """DNS caches that leases may ask, on port 53 alone, though their networks are closed."""
    ip_pool: str = ""
    """MetalLB's pool that addresses are leased from; "" leaves the choice to it."""
    load_balancer_class: str = ""
    """loadBalancerClass of the Services of leased addresses; "" is the cluster's own implementation."""
    load_balancer_annotations: Mapping[str, str] = field(default_factory=dict)
    """More annotations of these Services; {key} in a value stands for what ports of one address have in common."""
    disruption_budgets: bool = True
    """Let a node's drain take one replica of a service at a time."""
    isolation: Isolation = field(default_factory=Isolation)


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """Where a service was placed: the card its GPUs are, the runtime class its pods need ("" for the site's, "none" for
    the cluster's own), and the node of each replica; none when that was never decided."""

    runtime_class: str = ""
    gpu: GpuModel | None = None
    nodes: tuple[str, ...] = ()


Plan = Mapping[str, ServicePlan]
"""By service name; an absent service has the default plan."""

DEFAULT_PLAN = ServicePlan()
