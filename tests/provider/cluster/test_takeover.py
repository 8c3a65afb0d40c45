from __future__ import annotations

from manifests.manifest import ManifestGroup, Service
from manifests.render.site import ServicePlan
from manifests.resources import Cpu, Gpu, Memory, Resources
from provider.cluster.takeover import as_they_run
from provider.cluster.workloads import WorkloadFacts

WEB = Service("web", "nginx", None, None, None, Resources(1, Cpu(100), Memory(1 << 20), (), Gpu(0)), 1, ())
GROUP = ManifestGroup("west", (WEB,))


def running(*, contained: bool, service: str = "web") -> WorkloadFacts:
    return WorkloadFacts("ns", service, service, 1, 1, 1, 1, 1, 1, 1, "", contained=contained)


def decided(plan: ServicePlan | None, *workloads: WorkloadFacts) -> bool | None:
    return as_they_run({"web": plan} if plan else {}, GROUP, workloads)["web"].contained


def test_what_other_software_made_is_left_as_it_runs() -> None:
    assert decided(None, running(contained=False)) is False
    assert as_they_run({"web": ServicePlan("nvidia")}, GROUP, [running(contained=False)]) == {
        "web": ServicePlan("nvidia", contained=False)
    }


def test_what_is_new_or_ours_stays_undecided_which_is_contained() -> None:
    assert decided(None) is None
    assert decided(None, running(contained=True)) is None
    assert decided(None, running(contained=False, service="gone")) is None


def test_a_manifest_that_was_sent_to_us_decides() -> None:
    assert decided(ServicePlan(contained=True), running(contained=False)) is True
