"""Which class a rendered claim template is given, by that of the live one."""

from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.api.kinds import STATEFUL_SET
from provider.cluster.health.workloads import workload_facts
from provider.cluster.objects.volumeclasses import keep_classes


def stateful(**classes: str) -> dict[str, Any]:
    """A StatefulSet with a claim template of each class, "" for none."""
    claims = [
        {"metadata": {"name": name}, "spec": {"storageClassName": of} if of else {}} for name, of in classes.items()
    ]
    metadata = {"name": "db", "namespace": "ns"}
    spec = {"replicas": 1, "volumeClaimTemplates": claims}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    ("live", "rendered", "kept"),
    [
        pytest.param({"data": "beta2"}, {"data": "beta2"}, {"data": "beta2"}, id="as it was"),
        pytest.param({"data": "beta2"}, {"data": "ssd"}, {"data": "beta2"}, id="the name stands for another"),
        pytest.param({"data": "beta2"}, {"data": ""}, {"data": "beta2"}, id="the name stands for the default"),
        pytest.param({"data": ""}, {"data": "ssd"}, {"data": ""}, id="it was of the default"),
        pytest.param({"data": "a"}, {"data": "b", "log": "b"}, {"data": "a", "log": "b"}, id="one is new"),
    ],
)
def test_the_class_of_a_volume_stays(live: dict[str, str], rendered: dict[str, str], kept: dict[str, str]) -> None:
    facts = workload_facts(stateful(**live))
    assert keep_classes([stateful(**rendered)], {(STATEFUL_SET, "db"): facts}) == [stateful(**kept)]


def test_what_does_not_stand_and_what_has_no_volumes_is_as_rendered() -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}}
    objects = [namespace, stateful(data="ssd")]
    assert keep_classes(objects, {}) == objects
