"""What each builder makes, as files to read: one for each thing worth seeing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from manifests.gpus import GpuModel
from manifests.ids import LeaseID
from manifests.manifest import Credentials, HttpOptions, Params, Permissions
from manifests.render.crd import manifest_object, provider_hosts, provider_leased_ips
from manifests.render.disruption import disruption_budget
from manifests.render.isolation import Isolation
from manifests.render.leased_ip import load_balancers
from manifests.render.namespace import namespace
from manifests.render.network import network_policies
from manifests.render.rbac import access
from manifests.render.routes import routes
from manifests.render.secrets import pull_secret
from manifests.render.service import services
from manifests.render.site import DEFAULT_PLAN, ServicePlan, Site
from manifests.render.workload import workload

Objects = list[dict[str, Any]]
H100 = ServicePlan("nvidia", GpuModel("nvidia", "h100", "80Gi", "sxm"), ("node-2", "node-1", "node-2"))


@dataclass(frozen=True)
class Here:
    """What builders are given: parts of a manifest, a lease, a site."""

    b: Any
    lease: LeaseID
    site: Site

    def policies(self, *services: Any, **settings: Any) -> Objects:
        return network_policies(self.lease, self.b.group(*services), replace(self.site, **settings), "771")

    def pods(self, service: Any, plan: ServicePlan = DEFAULT_PLAN, **isolation: Any) -> Objects:
        site = replace(self.site, isolation=Isolation(**isolation))
        return [workload(self.lease, service, plan, site, "771")]

    def routes(self, *hosts: str, http: HttpOptions | None = None, **settings: Any) -> Objects:
        expose = self.b.expose(8080, 80, hosts=hosts, **({"http": http} if http else {}))
        return routes(self.lease, self.b.service("web", expose), replace(self.site, **settings))


GOLDEN: dict[str, Callable[[Here], Objects]] = {
    "namespace-with-the-lease-s-id-and-pod-security": lambda h: [namespace(h.lease, h.site, "771")],
    "policies-of-a-service-without-openings": lambda h: h.policies(h.b.service("web", h.b.expose(80))),
    "policies-with-node-ports-and-a-leased-address": lambda h: h.policies(
        h.b.service("dns", h.b.expose(5353, 53), h.b.expose(5353, 53, proto="UDP"), h.b.expose(8080, 80, ip="mine"))
    ),
    "policies-of-a-service-that-may-ask-the-api-servers": lambda h: h.policies(
        h.b.service("log", params=Params(None, Permissions(("logs",)))),
        api_servers=(("10.1.2.3", 6443), ("203.0.113.9", 443), ("fd00::1", 6443)),
    ),
    "policies-of-a-site-that-closes-and-opens-more": lambda h: h.policies(
        h.b.service("web"),
        ingress_mode="gateway-api",
        ingress_namespaces=("contour",),
        isolation=Isolation(
            closed_ports=(25, 465), closed_networks=("198.51.100.0/24",), open_networks=("10.9.0.0/24",)
        ),
    ),
    "rights-of-a-service-that-reads-logs-and-events": lambda h: access(
        h.lease, h.b.service("log", params=Params(None, Permissions(("logs", "events", "deployment")))), "771"
    ),
    "pull-secret-of-a-private-registry": lambda h: pull_secret(
        h.lease,
        h.b.service("web", credentials=Credentials("registry.example.test", "me@example.test", "user", "word")),
        "771",
    ),
    "deployment-with-environment-command-and-ports": lambda h: h.pods(
        h.b.service(
            "web",
            h.b.expose(8080, 80),
            h.b.expose(53, proto="UDP"),
            count=2,
            env=("A=b=c", "EMPTY", "AKASH_OWNER=mine"),
            command=("/bin/sh", "-c"),
            args=('echo "two words"',),
        )
    ),
    "deployment-with-gpus-tied-to-the-promised-card-and-nodes": lambda h: h.pods(
        h.b.service("train", resources=h.b.resources(gpu=2), count=3), H100
    ),
    "deployment-with-memory-and-scratch-volumes": lambda h: h.pods(
        h.b.service(
            "web",
            resources=h.b.resources(h.b.volume("default"), h.b.volume("scratch", 1 << 20), h.b.ram("shm", 1 << 30)),
            params=h.b.mounts(("shm", "/dev/shm"), ("scratch", "/tmp/scratch")),
        )
    ),
    "deployment-in-a-sandbox-with-bandwidth": lambda h: h.pods(
        h.b.service("web"), runtime_class="gvisor", ingress_bandwidth="1G", egress_bandwidth="200M"
    ),
    "stateful-set-with-its-claims-and-a-read-only-mount": lambda h: h.pods(
        h.b.service(
            "db",
            resources=h.b.resources(h.b.persistent("data", "beta2"), h.b.persistent("conf", "default", 10 << 20)),
            params=h.b.mounts(("data", "/var/lib/db"), ("conf", "/etc/db"), read_only=True),
            count=2,
        )
    ),
    "disruption-budget-of-three-replicas": lambda h: disruption_budget(h.lease, h.b.service(count=3), h.site, "771"),
    "services-inside-and-on-node-ports": lambda h: services(
        h.lease,
        h.b.service(
            "dns", h.b.expose(53), h.b.expose(53, proto="UDP"), h.b.expose(80), h.b.expose(9000, 9090, to="web")
        ),
        "771",
    ),
    "ingresses-of-own-and-generated-names": lambda h: h.routes(
        "a.example.com", http=HttpOptions(2 << 20, 1500, 60000, 2, 100, ("502", "error"), 16384)
    ),
    "ingresses-with-certificates": lambda h: h.routes("a.example.com", tls_issuer="letsencrypt"),
    "http-routes-of-own-and-generated-names": lambda h: h.routes(
        "a.example.com", http=HttpOptions(next_timeout_ms=30_000), ingress_mode="gateway-api", gateway_section="https"
    ),
    "load-balancers-of-two-addresses": lambda h: load_balancers(
        h.lease,
        h.b.group(
            h.b.service(
                "web", h.b.expose(53, proto="UDP", ip="one"), h.b.expose(8080, 80, ip="one"), h.b.expose(443, ip="two")
            )
        ),
        h.site,
    ),
    "claims-on-names-and-addresses": lambda h: [
        *provider_hosts(h.lease, h.b.group(h.b.service("web", h.b.expose(80, hosts=("a.example.com",)))), h.site),
        *provider_leased_ips(h.lease, h.b.group(h.b.service("web", h.b.expose(8080, 80, ip="one"))), h.site),
    ],
    "manifest-as-it-is-kept": lambda h: [
        manifest_object(
            h.lease,
            h.b.group(
                h.b.service(
                    "train",
                    h.b.expose(80, hosts=("a.example.com",)),
                    resources=h.b.resources(h.b.volume("default"), h.b.ram("shm"), gpu=2),
                    params=h.b.mounts(("shm", "/dev/shm")),
                    credentials=Credentials("registry.example.test", "", "user", "word"),
                    env=("A=1",),
                )
            ),
            {"train": H100},
            h.site,
        )
    ],
}


@pytest.mark.parametrize("name", GOLDEN)
def test_each_builder_makes_what_its_golden_file_says(
    build: Any, lease: LeaseID, site: Site, golden: Callable[[str, Objects], None], name: str
) -> None:
    golden(name, GOLDEN[name](Here(build, lease, site)))


def test_no_golden_file_is_left_over(request: pytest.FixtureRequest) -> None:
    home = request.path.parents[2] / "golden" / "render"
    leases = {"worked-example", "everything", "another-site"}  # test_lease.py
    assert {file.stem for file in home.glob("*.yaml")} == GOLDEN.keys() | leases
