"""A device plugin: gives the kubelet node cards it does not have, and takes them away again.

    with Cards(cluster, count=2) as cards:      # the node offers two of nvidia.com/gpu
        cards.sick("card-1")                    # and now one

It speaks the kubelet's own protocol over sockets in the kubelet's folder; a container that is given cards finds their
names in NVIDIA_VISIBLE_DEVICES, as with NVIDIA's plugin.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

import grpc

from e2e.cluster import deviceapi as api
from e2e.cluster import nodespace
from e2e.cluster.cluster import Cluster
from e2e.cluster.processes import PATIENCE_S

RESOURCE = "nvidia.com/gpu"


class Cards:
    """Gone when left; the node then offers none."""

    def __init__(self, cluster: Cluster, count: int) -> None:
        self._cluster = cluster
        self._folder = cluster.run / nodespace.private("/var/lib/kubelet") / "device-plugins"
        self._healthy = {f"card-{number}": True for number in range(count)}
        self._changed = threading.Condition()
        self._open = True
        self._server = grpc.server(ThreadPoolExecutor(4))

    def __enter__(self) -> Cards:
        self._server.add_generic_rpc_handlers((self._handlers(),))
        self._server.add_insecure_port(f"unix://{self._folder / 'cards.sock'}")
        self._server.start()
        with grpc.insecure_channel(f"unix://{self._folder / 'kubelet.sock'}") as kubelet:
            register = kubelet.unary_unary(
                api.REGISTER, request_serializer=api.encode, response_deserializer=api.Empty.FromString
            )
            asked = api.RegisterRequest(version="v1beta1", endpoint="cards.sock", resource_name=RESOURCE)
            register(asked, timeout=PATIENCE_S, wait_for_ready=True)
        self.await_offer(len(self._healthy))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._open = False
            self._changed.notify_all()
        self._server.stop(grace=5).wait()

    def sick(self, card: str) -> None:
        self._say(card, healthy=False)

    def well(self, card: str) -> None:
        self._say(card, healthy=True)

    def await_offer(self, count: int) -> None:
        """Until the node's status says so."""
        deadline = time.monotonic() + PATIENCE_S
        with self._cluster.api() as http:
            while (offered := _offered(http.get("/api/v1/nodes/node1").json())) != count:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"node1 offers {offered} of {RESOURCE}, not {count}")
                time.sleep(0.2)

    def _say(self, card: str, *, healthy: bool) -> None:
        with self._changed:
            self._healthy[card] = healthy
            self._changed.notify_all()

    def _handlers(self) -> grpc.GenericRpcHandler[Any, Any]:
        def plain(answer: Any, request: Any) -> grpc.RpcMethodHandler[Any, Any]:
            return grpc.unary_unary_rpc_method_handler(
                answer, request_deserializer=request.FromString, response_serializer=api.encode
            )

        listed = grpc.unary_stream_rpc_method_handler(
            self._list, request_deserializer=api.Empty.FromString, response_serializer=api.encode
        )
        methods = {
            "GetDevicePluginOptions": plain(lambda *_: api.DevicePluginOptions(), api.Empty),
            "ListAndWatch": listed,
            "Allocate": plain(self._allocate, api.AllocateRequest),
        }
        return grpc.method_handlers_generic_handler(api.PLUGIN, methods)

    def _list(self, _: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """All cards now, and again whenever one changes."""
        context.add_callback(self._wake)
        told: dict[str, bool] = {}
        while True:
            with self._changed:
                while told == self._healthy and self._open and context.is_active():
                    self._changed.wait()
                if not (self._open and context.is_active()):
                    return
                told = dict(self._healthy)
            devices = [api.Device(ID=card, health="Healthy" if well else "Unhealthy") for card, well in told.items()]
            yield api.ListAndWatchResponse(devices=devices)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    @staticmethod
    def _allocate(request: Any, _: grpc.ServicerContext) -> Any:
        answers = []
        for container in request.container_requests:
            named = api.Env(key="NVIDIA_VISIBLE_DEVICES", value=",".join(container.devices_ids))
            answers.append(api.ContainerAllocateResponse(envs=[named]))
        return api.AllocateResponse(container_responses=answers)


def _offered(node: dict[str, Any]) -> int:
    return int(node["status"]["allocatable"].get(RESOURCE, "0"))
