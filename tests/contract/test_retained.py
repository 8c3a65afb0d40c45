"""A volume that outlives its claim and is given to another: what the API and its controllers make of it."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def claim(name: str, storage_class: str) -> Json:
    return {
        "metadata": {"name": name},
        "spec": {
            "storageClassName": storage_class,
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def volume(name: str, namespace: str) -> Json:
    reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": "data-web-0"}
    return {
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": name,
            "persistentVolumeReclaimPolicy": "Delete",
            "hostPath": {"path": "/tmp/akp-contract"},
            "claimRef": reference,
        },
    }


def is_(phase: str) -> Any:
    return lambda answer: answer.body.get("status", {}).get("phase") == phase


async def test_a_volume_outlives_its_claim_and_goes_to_the_next_of_its_name(api) -> None:
    name = f"kept-{api.ns}"
    at, ours = f"/api/v1/persistentvolumes/{name}", "persistentvolumeclaims/data-web-0"
    classes = "/apis/storage.k8s.io/v1/storageclasses"
    await api.create(classes, {"metadata": {"name": name}, "provisioner": "kubernetes.io/no-provisioner"})
    assert (await api.create("/api/v1/persistentvolumes", volume(name, api.ns))).code == 201
    await api.create("persistentvolumeclaims", claim("data-web-0", name))
    bound = await api.eventually(lambda: api.get(ours), is_("Bound"))
    assert bound.body["spec"]["volumeName"] == name
    await api.eventually(lambda: api.get(at), is_("Bound"))

    kept = await api.merge(at, {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
    assert kept.code == 200
    await api.delete(ours)
    await api.eventually(lambda: api.get(at), is_("Released"))
    again = await api.merge(at, {"spec": {"claimRef": {"uid": None, "resourceVersion": None}}})
    assert again.code == 200
    await api.eventually(lambda: api.get(at), is_("Available"))
    await api.create("persistentvolumeclaims", claim("data-web-0", name))
    next_one = await api.eventually(lambda: api.get(ours), is_("Bound"))
    assert next_one.body["spec"]["volumeName"] == name
    assert next_one.body["metadata"]["uid"] != bound.body["metadata"]["uid"]
    await api.eventually(lambda: api.get(at), is_("Bound"))
    await api.delete(ours)
    await api.delete(at)
    await api.delete(f"{classes}/{name}")
