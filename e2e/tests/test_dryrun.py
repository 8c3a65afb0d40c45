"""Every object of every example and of every SDL case that is accepted passes the real API server's strict validation,
routed both ways."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from e2e.cluster import Cluster
from e2e.dryrun import DryRun, NotAccepted, Object
from manifests.digest import revision
from manifests.errors import ManifestInvalid
from manifests.gpus import GpuModel, wishes
from manifests.ids import LeaseID, lease_namespace
from manifests.manifest import ManifestGroup
from manifests.render import render
from manifests.render.crd import manifest_object
from manifests.render.isolation import Isolation
from manifests.render.site import Plan, ServicePlan, Site
from manifests.sdl import compile_sdl

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("lease namespace")]

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
CASES = ROOT.parent / "shared" / "conformance" / "sdl" / "cases.jsonl"

USUAL = Site(
    ingress_domain="ingress.example.test",
    static_hosts=True,
    public_hostname="provider.example.test",
    api_servers=(("10.1.2.3", 6443), ("fd00::1", 6443)),
)
OTHERWISE = replace(
    USUAL,
    ingress_mode="gateway-api",
    gateway_section="https",
    tolerations=("nvidia.com/gpu",),
    image_pull_secret="pull",
    isolation=Isolation(runtime_class="gvisor", ingress_bandwidth="1G", egress_bandwidth="200M"),
)
CERTIFIED = replace(USUAL, tls_issuer="letsencrypt", tls_generated_hosts=True)


@dataclass(frozen=True)
class Given:
    """A group of an accepted SDL file; `lease` is one of its own."""

    name: str
    lease: LeaseID
    group: ManifestGroup

    def objects(self, site: Site) -> list[Object]:
        plan = card_for(self.group)
        made = render(self.lease, self.group, plan, site, revision(self.group))
        return [manifest_object(self.lease, self.group, plan, site), *made]


def card_for(group: ManifestGroup) -> Plan:
    """Any card that the service would accept."""
    out = {}
    for service in group.services:
        gpu = service.resources.gpu
        if gpu.units:
            wish = next(iter(wishes(gpu.attributes)), None)
            model = wish.model if wish and wish.model not in ("", "*") else "a100"
            card = GpuModel(wish.vendor if wish else "nvidia", model, wish.memory if wish else "")
            out[service.name] = ServicePlan("nvidia" if card.vendor == "nvidia" else "", card, ("node-1", "node-1"))
    return out


def given() -> Iterator[Given]:
    texts = [(file.name, file.read_text()) for file in sorted(EXAMPLES.glob("*.yaml"))]
    if CASES.is_file():
        recorded = [json.loads(line) for line in CASES.read_text().splitlines()]
        texts += [(case["name"], case["sdl"]) for case in recorded if case["accept"]]
    for number, (name, text) in enumerate(texts):
        for place, group in enumerate(compile_sdl(text.encode()).manifest):
            yield Given(name, LeaseID("akash1dryrun", number + 1, place + 1, 1, "akash1provider"), group)


@pytest.fixture(scope="module")
def server(real_cluster: Cluster) -> Iterator[DryRun]:
    with DryRun.on(real_cluster) as server:
        yield server


REFUSED_BY_US = {
    "probe/exp_as6553620": (
        "services[0].expose[0].external_port: 65536 is no port that others could connect to: 1 to 65535"
    ),
}
"""Cases that the market accepts and no Kubernetes could run, with what the tenant is told at once."""


def test_the_api_server_takes_every_object(server: DryRun, capsys: pytest.CaptureFixture[str]) -> None:
    groups = list(given())
    objects: list[tuple[str, Object]] = []
    refused: dict[str, str] = {}
    for each in groups:
        try:
            found = [*each.objects(USUAL), *each.objects(OTHERWISE)]
            found += [obj for obj in each.objects(CERTIFIED) if obj["kind"] == "Ingress"]
        except ManifestInvalid as no:
            refused[each.name] = str(no)
        else:
            objects += [(each.name, obj) for obj in found]
    server.namespaces({lease_namespace(each.lease) for each in groups if each.name not in refused})
    answers = server.apply_all([obj for _, obj in objects])
    wrong = [f"{name}: {no}" for (name, _), no in zip(objects, answers, strict=True) if isinstance(no, NotAccepted)]
    with capsys.disabled():
        kinds = len({obj["kind"] for _, obj in objects})
        print(f"\n{len(objects)} objects of {kinds} kinds, of {len(groups)} groups, before a real API server")
    assert wrong == []
    expected = REFUSED_BY_US if CASES.is_file() else {}
    assert refused == expected
    assert {"HTTPRoute", "Ingress", "StatefulSet", "PodDisruptionBudget", "Role"} <= {o["kind"] for _, o in objects}


def test_a_field_that_kubernetes_does_not_know_is_refused(server: DryRun) -> None:
    """Else the test above would say nothing."""
    (first, *_) = given()
    (workload,) = [obj for obj in first.objects(USUAL) if obj["kind"] == "Deployment"]
    server.namespaces([lease_namespace(first.lease)])
    workload["spec"]["template"]["spec"]["hostNetwrok"] = True
    with pytest.raises(NotAccepted, match="hostNetwrok"):
        server.apply(workload)
