"""Makes a volume for every claim the scheduler has chosen a node for, as a storage driver's provisioner does."""

from __future__ import annotations

import asyncio

from e2e.scheduling.world import DRIVER, Json, World

CHOSEN = "volume.kubernetes.io/selected-node"


async def provision(world: World, every_s: float = 0.2) -> None:
    """For ever. The volume controller of the control plane binds what is made here."""
    made: set[str] = set()
    while True:
        answer = await world.http.get("/api/v1/persistentvolumeclaims")
        for claim in answer.json()["items"]:
            uid = claim["metadata"]["uid"]
            if uid not in made and CHOSEN in claim["metadata"].get("annotations", {}):
                made.add(uid)
                await world.post("/api/v1/persistentvolumes", _volume(claim))
        await asyncio.sleep(every_s)


def _volume(claim: Json) -> Json:
    metadata, spec = claim["metadata"], claim["spec"]
    return {
        "metadata": {"name": f"pv-{metadata['uid']}"},
        "spec": {
            "capacity": spec["resources"]["requests"],
            "accessModes": spec["accessModes"],
            "storageClassName": spec["storageClassName"],
            "persistentVolumeReclaimPolicy": "Retain",
            "csi": {"driver": DRIVER, "volumeHandle": metadata["uid"]},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
        },
    }
