"""What a real API server makes of it is in tests/provider/cluster/test_deploying_kubernetes.py."""

from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.api.kinds import SERVICE
from provider.cluster.objects.takeback import added, take_back

PORT = {"name": "0-80", "port": 80, "targetPort": 8080, "protocol": "TCP"}
MORE = {"name": "x", "port": 22, "protocol": "TCP"}
SAID: dict[str, Any] = {"type": "ClusterIP", "ports": [PORT]}


@pytest.mark.parametrize(
    ("there", "change"),
    [
        pytest.param({**SAID, "clusterIP": "10.0.0.7", "ports": [{**PORT, "nodePort": 30000}]}, {}, id="as said"),
        pytest.param({**SAID, "ports": [PORT, MORE]}, {"ports": [PORT]}, id="one more port"),
        pytest.param({**SAID, "externalIPs": ["192.0.2.1"]}, {"externalIPs": None}, id="an address"),
        pytest.param({**SAID, "externalIPs": []}, {}, id="no address"),
    ],
)
def test_what_was_added_to_a_service(there: dict[str, Any], change: dict[str, Any]) -> None:
    assert added(SAID, there) == change


class Server:
    def __init__(self) -> None:
        self.patched: list[Any] = []

    async def patch(self, *asked: Any) -> dict[str, Any]:
        self.patched.append(asked)
        return {"patched": True}


def service(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": "ns"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {**SAID, **spec}}


async def test_only_what_was_added_costs_a_request_and_a_leased_address_is_its_controllers() -> None:
    server: Any = Server()
    same = service(clusterIP="10.0.0.7")
    assert await take_back(server, service(), same) is same
    leased = service(type="LoadBalancer", externalIPs=["192.0.2.1"])
    assert await take_back(server, service(type="LoadBalancer"), leased) is leased
    assert server.patched == []
    assert await take_back(server, service(), service(ports=[PORT, MORE])) == {"patched": True}
    assert server.patched == [(SERVICE, "ns", "web", {"spec": {"ports": [PORT]}})]
