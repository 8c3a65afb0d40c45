"""What we render is what a real Go provider created, save for what one table says; asked of a real API server."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from e2e.cluster import Cluster
from e2e.dryrun import DryRun
from e2e.objects.case import Case, NotACase, Object, read_case
from e2e.objects.outcome import compare, unused

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("lease namespace")]


@pytest.fixture(scope="module")
def server(real_cluster: Cluster) -> Iterator[DryRun]:
    with DryRun.on(real_cluster) as server:
        yield server


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    home = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "objects"
    if not home.is_dir():
        pytest.skip("the recorded objects (../shared/conformance/objects) are not beside this checkout")
    return [read_case(folder) for folder in sorted(home.iterdir()) if folder.is_dir()]


def test_every_recorded_case_is_rendered_alike_and_every_difference_is_meant(
    server: DryRun, cases: list[Case], capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(cases) >= 8
    outcomes = [compare(case, server) for case in cases]
    with capsys.disabled():
        compared = sum(outcome.objects for outcome in outcomes)
        print(f"\n{compared} objects of {len(cases)} cases compared with those of the Go provider")
    assert "\n".join(outcome.report(20) for outcome in outcomes if not outcome.good) == ""
    assert [str(row) for row in unused(outcomes)] == [], "rows of the table that no case needs"


def pod(objects: dict[Any, Object]) -> dict[str, Any]:
    spec: dict[str, Any] = objects["Deployment", "web"]["spec"]["template"]["spec"]
    return spec


def box(objects: dict[Any, Object]) -> dict[str, Any]:
    container: dict[str, Any] = pod(objects)["containers"][0]
    return container


def node_labels(objects: dict[Any, Object]) -> list[dict[str, Any]]:
    required = pod(objects)["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    expressions: list[dict[str, Any]] = required["nodeSelectorTerms"][0]["matchExpressions"]
    return expressions


CHANGES: dict[str, tuple[Callable[[dict[Any, Object]], Any], str]] = {
    "an object is missing": (lambda o: o.pop(("Service", "web-np")), "Service/web-np"),
    "an object more": (lambda o: o.update({("Role", "x"): {"kind": "Role", "metadata": {"name": "x"}}}), "Role/x"),
    "another variable": (lambda o: box(o)["env"].append({"name": "X", "value": "1"}), "env[X]"),
    "another value": (lambda o: box(o)["env"][0].update(value="x"), "env["),
    "the order of variables": (lambda o: box(o)["env"].reverse(), "env<order>"),
    "a port more": (lambda o: box(o)["ports"].append({"containerPort": 7, "protocol": "TCP"}), "ports[7/TCP]"),
    "another limit": (lambda o: box(o)["resources"]["limits"].update(cpu="7"), "limits.cpu"),
    "a smaller request": (lambda o: box(o)["resources"]["requests"].update(memory="1Mi"), "requests.memory"),
    "another image": (lambda o: box(o).update(image="x"), ".image"),
    "another command": (lambda o: box(o).update(command=["x"]), ".command"),
    "a volume": (lambda o: pod(o).update(volumes=[{"name": "v", "emptyDir": {}}]), "volumes"),
    "another label": (lambda o: o["Service", "web"]["metadata"]["labels"].update(a="b"), "labels.a"),
    "another selector": (lambda o: o["Service", "web"]["spec"]["selector"].update(a="b"), "selector.a"),
    "another target": (lambda o: o["Service", "web-np"]["spec"]["ports"][0].update(targetPort=1), "targetPort"),
    "affinity": (lambda o: node_labels(o)[0].update(values=["x"]), "affinity"),
    "a policy's port": (
        lambda o: o["NetworkPolicy", "akash-web-np"]["spec"]["ingress"][0]["ports"][0].update(port=1),
        "port",
    ),
    "replicas": (lambda o: o["Deployment", "web"]["spec"].update(replicas=9), "replicas"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("source", ["objects", "sent"])
def test_a_difference_that_nobody_meant_is_found(server: DryRun, cases: list[Case], source: str, change: str) -> None:
    """The recording says otherwise in one place."""
    (case,) = [case for case in cases if case.name == "02-several-services"]
    recorded = copy.deepcopy(getattr(case, source))
    alter, found_at = CHANGES[change]
    alter(recorded)
    outcome = compare(replace(case, **{source: recorded}), server)
    said = [str(found) for found in outcome.others]
    if source == "sent" and change == "an object is missing":
        assert said == [], "what was not written is not compared with what was written"
        return
    assert any(found_at in each for each in said), said


def test_a_folder_that_is_no_case_says_why(tmp_path: Path) -> None:
    with pytest.raises(NotACase, match=r"manifest\.json"):
        read_case(tmp_path)
