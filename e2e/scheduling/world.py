"""A cluster as one finds it: nodes of all kinds, some of them unusable, with pods of strangers on them. From a seed.

Only Kubernetes' own words are used here; what the daemon makes of them is what is tested.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from random import Random
from typing import Any

import httpx

from e2e.cluster import Cluster

Json = dict[str, Any]
GPU_LABEL = "akash.network/capabilities.gpu.vendor"
CLASS_LABEL = "akash.network/capabilities.storage.class"
CARDS = {
    "a100-sxm": ("nvidia", "a100", "80Gi", "sxm"),
    "a100-pcie": ("nvidia", "a100", "40Gi", "pcie"),
    "h100": ("nvidia", "h100", "80Gi", "sxm"),
    "rtx4090": ("nvidia", "rtx4090", "24Gi", "pcie"),
    "l40s": ("nvidia", "l40s", "48Gi", "pcie"),
    "mi300x": ("amd", "mi300x", "192Gi", ""),
}
GIB = 1 << 30
STRANGERS = "strangers"
DRIVER = "disks.e2e.test"
SANDBOX = "sandbox"
RUNTIMES: tuple[Json, ...] = (
    {
        "metadata": {"name": "nvidia"}, "handler": "x",
        "overhead": {"podFixed": {"cpu": "900m", "memory": "1500Mi"}},
        "scheduling": {"nodeSelector": {"driver": "new"}, "tolerations": [{"key": "cards", "operator": "Exists"}]},
    },
    {
        "metadata": {"name": SANDBOX}, "handler": "y",
        "overhead": {"podFixed": {"cpu": "1100m", "memory": "2500M"}},
        "scheduling": {"nodeSelector": {"sandboxes": "yes"}},
    },
)  # fmt: skip
"""With and without cards, each pod takes more than its containers: so much that it decides what fits. Each class has
nodes of its own: those with the taint are for NVIDIA's cards alone, others have no driver, or no sandbox."""


class World:
    """`sellable` are the nodes on which a lease may be placed, as whoever made them knows."""

    def __init__(self, http: httpx.AsyncClient, seed: int, count: int) -> None:
        self.http, self._random = http, Random(seed)
        self.sellable: set[str] = set()
        self.zones: dict[str, str] = {}
        self.csi_nodes: list[Json] = []
        self.nodes = [self._node(number) for number in range(1, count + 1)]
        self.strangers = [pod for node in self.nodes for pod in self._pods_on(node)]

    async def make(self) -> None:
        await self.post("/api/v1/namespaces", {"metadata": {"name": STRANGERS}})
        for made in RUNTIMES:
            await self.post("/apis/node.k8s.io/v1/runtimeclasses", made)
        for found in _classes():
            await self.post("/apis/storage.k8s.io/v1/storageclasses", found)
        await self.each("/apis/storage.k8s.io/v1/csinodes", self.csi_nodes)
        await self.each("/api/v1/nodes", self.nodes)
        await self.each(f"/api/v1/namespaces/{STRANGERS}/pods", self.strangers)

    async def post(self, path: str, body: Json) -> Json:
        answer = await self.http.post(path, json=body)
        # A service account is made a moment after its namespace, and pods are refused until then.
        for _ in range(6000):
            if answer.status_code != 403 or "serviceaccount" not in answer.text:
                break
            await asyncio.sleep(0.1)
            answer = await self.http.post(path, json=body)
        assert answer.is_success, answer.text
        return dict(answer.json())

    async def each(self, path: str, bodies: Iterable[Json]) -> None:
        busy = asyncio.Semaphore(8)

        async def one(body: Json) -> None:
            async with busy:
                await self.post(path, body)

        await asyncio.gather(*(one(body) for body in bodies))

    def _node(self, number: int) -> Json:
        """Three of five have no GPUs. One of ten is of no use to leases, each for another reason."""
        random, name = self._random, f"w{number}"
        cores = random.choice((4, 8, 8, 16, 32))
        room = {
            "cpu": f"{cores * 1000 - random.choice((0, 70, 220))}m",
            "memory": str(cores * random.choice((2, 4, 8)) * GIB - random.randrange(GIB)),
            "ephemeral-storage": f"{random.choice((40, 100, 400))}Gi",
            "pods": str(random.choice((4, 8, 30, 110))),
        }
        self.zones[name] = random.choice("ab")
        labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": self.zones[name]}
        labels |= {"driver": "old" if number % 10 == 4 else "new"}
        labels |= {"sandboxes": "yes"} if number % 10 != 8 else {}
        if number % 50 == 7:  # a rack with a storage of its own, of which each node attaches few volumes
            labels["rack"] = "r1"
            driver = {"name": DRIVER, "nodeID": name, "allocatable": {"count": random.choice((1, 2))}}
            self.csi_nodes.append({"metadata": {"name": name}, "spec": {"drivers": [driver]}})
        elif number % 6:  # an inventory operator was here before
            labels |= {"akash.network": "true", f"{CLASS_LABEL}.beta2": "1"}
            labels |= {f"{CLASS_LABEL}.beta3": "1"} if self.zones[name] == "a" else {}
        card = random.choice(list(CARDS)) if random.random() < 0.4 else ""
        units = random.choice((1, 2, 4, 8))
        if card == "l40s":  # here it is the number of pods that ends first
            units, room["pods"] = 8, "5"
        if card:
            labels |= _operators_labels(card, units) if number % 6 else _discovered_labels(card, units)
            room[f"{CARDS[card][0]}.com/gpu"] = str(units)
        spec: Json = {}
        annotations, conditions = {"kwok.x-k8s.io/node": "fake"}, []
        match number // 10 % 5 if number % 10 == 0 else None:
            case 0:
                spec["unschedulable"] = True
            case 1:
                spec["taints"] = [{"key": "dedicated", "value": "others", "effect": "NoSchedule"}]
            case 2:
                spec["taints"] = [{"key": "maintenance", "effect": "NoExecute"}]
            case 3:
                labels["akash.network"] = "false"
            case 4:
                annotations, conditions = {}, [{"type": "Ready", "status": "False"}]  # and nobody will mend it
            case _ if number % 10 == 3:
                spec["taints"] = [{"key": "cards", "value": "nvidia", "effect": "NoSchedule"}]
                self.sellable |= {name} if card and CARDS[card][0] == "nvidia" else set()
            case _ if number % 10 == 8:
                self.sellable |= {name} if card else set()
            case _:
                self.sellable.add(name)
        if number % 10 == 5:
            spec["taints"] = [{"key": "rather-not", "effect": "PreferNoSchedule"}]
        return {
            "metadata": {"name": name, "labels": labels, "annotations": annotations},
            "spec": spec,
            "status": {"capacity": room, "allocatable": room, "conditions": conditions},
        }

    def _pods_on(self, node: Json) -> list[Json]:
        """Up to three, bound without asking the scheduler; some with init containers, some with GPUs, some done."""
        random, name = self._random, node["metadata"]["name"]
        room, pods = node["status"]["allocatable"], []
        if any(taint["effect"] == "NoExecute" for taint in node["spec"].get("taints", ())):
            return []
        millis = int(room["cpu"].removesuffix("m"))
        for number in range(random.choice((0, 1, 1, 2, 3))):
            cpu, memory = random.randrange(50, millis // 4), random.randrange(64, 2048)
            wants = {"cpu": f"{cpu}m", "memory": f"{memory}Mi"}
            gpu = next((key for key in room if key.endswith("/gpu")), "")
            limits = {gpu: "1"} if gpu and not number and random.random() < 0.3 else {}
            pod: Json = {
                "metadata": {"name": f"{name}-{number}"},
                "spec": {
                    "nodeName": name,
                    "containers": [
                        {"name": "main", "image": "x", "resources": {"requests": wants | limits, "limits": limits}}
                    ],
                },
            }
            if random.random() < 0.2:
                hungry = {"requests": {"cpu": f"{2 * cpu}m", "memory": "16Mi"}}
                pod["spec"]["initContainers"] = [{"name": "first", "image": "x", "resources": hungry}]
            pods.append(pod)
        return pods


def client(cluster: Cluster) -> httpx.AsyncClient:
    """An administrator's client that can do several things at once."""
    with cluster.api() as known:
        base = known.base_url
    context = ssl.create_default_context(cafile=str(cluster.pki / "ca.crt"))
    context.load_cert_chain(cluster.pki / "admin.crt", cluster.pki / "admin.key")
    return httpx.AsyncClient(
        base_url=base, verify=context, timeout=600, trust_env=False, limits=httpx.Limits(max_connections=8)
    )


def _operators_labels(card: str, units: int) -> dict[str, str]:
    vendor, model, memory, interface = CARDS[card]
    key = f"{GPU_LABEL}.{vendor}.model.{model}"
    said = {key: str(units), f"{key}.ram.{memory}": str(units)}
    return said | ({f"{key}.interface.{interface}": str(units)} if interface else {})


def _discovered_labels(card: str, units: int) -> dict[str, str]:
    """As NVIDIA's feature discovery writes them; nobody does for AMD."""
    vendor, model, memory, interface = CARDS[card]
    if vendor == "amd":
        return _operators_labels(card, units)
    gib = memory.removesuffix("Gi")
    product = {
        "a100": f"NVIDIA-A100-{'SXM4' if interface == 'sxm' else 'PCIE'}-{gib}GB",
        "h100": "NVIDIA-H100-80GB-HBM3",
        "l40s": "NVIDIA-L40S",
        "rtx4090": "NVIDIA-GeForce-RTX-4090",
    }[model]
    return {"nvidia.com/gpu.product": product, "nvidia.com/gpu.memory": str(int(gib) * 1024)}


def _classes() -> list[Json]:
    """beta1 in one rack only, beta2 everywhere, beta3 in zone a only."""
    rack, zone = {"key": "rack", "values": ["r1"]}, {"key": "topology.kubernetes.io/zone", "values": ["a"]}
    made: Json = {"provisioner": DRIVER, "volumeBindingMode": "WaitForFirstConsumer"}
    return [
        {"metadata": {"name": "beta1"}, **made, "allowedTopologies": [{"matchLabelExpressions": [rack]}]},
        {"metadata": {"name": "beta2"}, **made},
        {"metadata": {"name": "beta3"}, **made, "allowedTopologies": [{"matchLabelExpressions": [zone]}]},
    ]
