"""The provider's site as rendering takes it: the settings, and the little that only the cluster knows."""

from __future__ import annotations

from collections.abc import Mapping

from manifests.render.site import Site
from provider.settings import ClusterSettings


def site_of(
    s: ClusterSettings,
    *,
    api_servers: tuple[tuple[str, int], ...] = (),
    storage_classes: Mapping[str, str] | None = None,
) -> Site:
    """`api_servers` and `storage_classes` (name sold by -> StorageClass) as found in the cluster; without one, what the
    settings say of them."""
    if storage_classes is None:
        storage_classes = {name: of for name, of in s.storage_classes.items() if name != of}
    return Site(
        manifest_namespace=s.manifest_namespace,
        ingress_mode=s.ingress_mode,
        ingress_class=s.ingress_class,
        gateway_name=s.gateway_name,
        gateway_namespace=s.gateway_namespace,
        gateway_section=s.gateway_section,
        ingress_namespaces=s.ingress_namespaces,
        tls_issuer=s.tls_issuer,
        tls_generated_hosts=s.tls_generated_hosts,
        ingress_domain=s.ingress_domain,
        static_hosts=s.static_hosts and bool(s.ingress_domain),
        public_hostname=s.public_hostname,
        network_policies=s.network_policies,
        overcommit_cpu_percent=s.overcommit_cpu_percent,
        overcommit_memory_percent=s.overcommit_memory_percent,
        overcommit_storage_percent=s.overcommit_storage_percent,
        storage_classes=storage_classes,
        tolerations=s.tolerations,
        image_pull_secret=s.image_pull_secret,
        api_servers=_addresses(s.api_servers) or api_servers,
        dns_addresses=s.dns_addresses,
        ip_pool=s.ip_pool,
        load_balancer_class=s.load_balancer_class,
        load_balancer_annotations=s.load_balancer_annotations,
        disruption_budgets=s.disruption_budgets,
        isolation=s.isolation.chosen(),
    )


def _addresses(texts: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """`10.0.0.1:6443` or `[fd00::1]:6443`."""
    pairs = (text.rpartition(":") for text in texts)
    return tuple((address.strip("[]"), int(port)) for address, _, port in pairs)
