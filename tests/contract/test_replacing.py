"""What an object that cannot be changed in place meets: how it is told apart from a bad one, and how pods and claims
outlive their StatefulSet."""

from __future__ import annotations

import copy
from typing import Any

Json = dict[str, Any]


def stateful(image: str = "web:1", size: str = "1Gi") -> Json:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
            "storageClassName": "no-such-class",
        },
    }
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}}
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "template": template,
        "volumeClaimTemplates": [claim],
    }
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"}, "spec": spec}


async def test_a_change_that_cannot_be_made_is_told_apart_from_an_object_that_is_bad(api) -> None:
    assert (await api.apply("apps/statefulsets/web", stateful())).code == 201
    larger = stateful(size="2Gi")
    assert (await api.apply("apps/statefulsets/web", larger, force=True)).code == 422
    assert (await api.create("apps/statefulsets", larger, dryRun="All")).code == 409
    bad = copy.deepcopy(larger)
    bad["spec"]["replicas"] = -1
    assert (await api.apply("apps/statefulsets/web", bad, force=True)).code == 422
    assert (await api.create("apps/statefulsets", bad, dryRun="All")).code == 422
    kept = await api.get("apps/statefulsets/web")
    assert kept.body["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] == "1Gi"


async def test_pods_outlive_their_stateful_set_and_are_taken_over_by_the_next_of_its_name(api) -> None:
    first = stateful()
    del first["spec"]["volumeClaimTemplates"]
    await api.apply("apps/statefulsets/web", first)
    ready = lambda a: a.code == 200 and a.body.get("status", {}).get("phase") == "Running"  # noqa: E731
    pod = await api.eventually(lambda: api.get("pods/web-0"), ready)
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Orphan"}
    await api.delete("apps/statefulsets/web", options)
    await api.eventually(lambda: api.get("apps/statefulsets/web"), lambda a: a.code == 404)
    alone = await api.eventually(lambda: api.get("pods/web-0"), lambda a: not a.body["metadata"].get("ownerReferences"))
    assert "deletionTimestamp" not in alone.body["metadata"]
    again = await api.apply("apps/statefulsets/web", first)
    adopted = await api.eventually(
        lambda: api.get("pods/web-0"), lambda a: bool(a.body["metadata"].get("ownerReferences"))
    )
    assert adopted.body["metadata"]["uid"] == pod.body["metadata"]["uid"]
    assert adopted.body["metadata"]["ownerReferences"][0]["uid"] == again.body["metadata"]["uid"]


async def test_a_claim_whose_class_does_not_grow_is_not_grown(api) -> None:
    claim = stateful()["spec"]["volumeClaimTemplates"][0]
    await api.create("persistentvolumeclaims", claim)
    change = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    answer = await api.merge("persistentvolumeclaims/data", change)
    assert answer.code in (403, 422)  # unbound is told before unsupported, or after
    assert (await api.get("persistentvolumeclaims/data")).body["spec"]["resources"]["requests"]["storage"] == "1Gi"
