"""EmbeddedCluster: the Kubernetes API in this process, over real HTTP, up in milliseconds and gone without a trace.

Objects, versions, watches and apply are real; no container runs. The contract suite (tests/contract) holds it to the
answers of a real API server, except the differences named there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml
from aiohttp import web

from provider.sandbox.cluster.controllers import Controllers
from provider.sandbox.cluster.discovery import BANNER
from provider.sandbox.cluster.faults import Faults
from provider.sandbox.cluster.http import application
from provider.sandbox.cluster.kinds import ENDPOINTS, NAMESPACES, NODES, SERVICES, STORAGE_CLASSES, Kind, Kinds
from provider.sandbox.cluster.nodes import DEFAULT_NODES, NodeSpec
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.pods import Containers
from provider.sandbox.cluster.store import Store

Json = dict[str, Any]


class EmbeddedCluster:
    """`async with EmbeddedCluster() as cluster:` serves until the end of the block.

    - `url`, and `kubeconfig`: the path of a file any client can read.
    - `faults`: troubles to order (see Faults); `expire_history` answers the next watches with 410.
    - `broken_images`: images whose pods never start.
    - `storage_classes`: names of classes; the first is the default one.
    - `addresses`: what Services of type LoadBalancer get, as from MetalLB; none leaves them waiting.
    - `banner`: one line saying what this is, for whoever prints a status.
    """

    banner = BANNER

    def __init__(
        self,
        nodes: Sequence[NodeSpec] = DEFAULT_NODES,
        *,
        storage_classes: Sequence[str] = ("beta3", "beta2", "beta1"),
        ready_after_s: float = 0.2,
        stop_after_s: float = 0.1,
        addresses: Sequence[str] = (),
        port: int = 0,
    ) -> None:
        self._nodes, self._classes, self._port = nodes, storage_classes, port
        self._times = {"ready_after_s": ready_after_s, "stop_after_s": stop_after_s}
        self._addresses = addresses

    async def __aenter__(self) -> EmbeddedCluster:
        self.store = Store()
        self.objects = Objects(self.store, Kinds())
        self.faults = Faults()
        self.containers = Containers(self.store)
        self._controllers = Controllers(self.objects, self.containers, addresses=self._addresses, **self._times)
        self._furnish()
        app = application(self.objects, self.faults, self.containers)
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        self._folder = tempfile.TemporaryDirectory(prefix="akp-cluster-")
        self.kubeconfig = Path(self._folder.name) / "kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(self.config()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controllers.close()
        self.faults.cut_watches()
        await self._runner.cleanup()
        self._folder.cleanup()
        if value is None and self._controllers.trouble is not None:
            raise self._controllers.trouble

    @property
    def broken_images(self) -> set[str]:
        return self._controllers.vessel.broken_images

    def config(self) -> Json:
        """The kubeconfig as a mapping."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "embedded", "cluster": {"server": self.url}}],
            "users": [{"name": "embedded", "user": {}}],
            "contexts": [{"name": "embedded", "context": {"cluster": "embedded", "user": "embedded"}}],
            "current-context": "embedded",
        }

    def status(self) -> Mapping[str, object]:
        """What it is and what is in it, for people."""
        counts = {resource: len(self.store.list(resource)) for resource in sorted(self.store.resources())}
        return {"what": self.banner, "url": self.url, "version": self.store.version, "objects": counts}

    def expire_history(self) -> None:
        """Watches from any earlier version, and pages begun earlier, get 410 from now on."""
        self.store.forget()

    def say(self, namespace: str, pod: str, line: str, *, container: str = "") -> None:
        """Add a line to a container's log (the first one's by default)."""
        found = self.objects.store.get("pods", namespace, pod)
        if found is None:
            raise KeyError(f"no pod {namespace}/{pod}")
        self.containers.say(found["metadata"]["uid"], container or found["spec"]["containers"][0]["name"], line)

    def _furnish(self) -> None:
        for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
            self._create(NAMESPACES, "", {"metadata": {"name": name}})
        for index, name in enumerate(self._classes):
            first = {"storageclass.kubernetes.io/is-default-class": "true"} if index == 0 else {}
            made = {
                "metadata": {"name": name, "annotations": first},
                "provisioner": "embedded",
                "allowVolumeExpansion": True,
            }
            self._create(STORAGE_CLASSES, "", made)
        for spec in self._nodes:
            self._create(NODES, "", spec.object())
        ports = [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]
        meta = {"name": "kubernetes", "labels": {"component": "apiserver", "provider": "kubernetes"}}
        self._create(SERVICES, "default", {"metadata": meta, "spec": {"clusterIP": "10.96.0.1", "ports": ports}})
        subset = {"addresses": [{"ip": "127.0.0.1"}], "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}]}
        self._create(ENDPOINTS, "default", {"metadata": {"name": "kubernetes"}, "subsets": [subset]})

    def _create(self, kind: Kind, namespace: str, body: Json) -> None:
        self.objects.create(kind, namespace, body, Write(manager="akp-sandbox"))
