from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.inventory.addresses import (
    NODE_PORTS,
    ForeignService,
    Pool,
    foreign_service,
    leased_ips_left,
    node_ports_left,
    pool,
)

TEN = 10 << 24


def service(kind: str = "NodePort", ports: tuple[int, ...] = (), ips: tuple[str, ...] = (), **spec: Any) -> Any:
    return foreign_service(
        {
            "metadata": {"namespace": "other", "name": "s"},
            "spec": {"type": kind, "ports": [{"port": 80, **({"nodePort": p} if p else {})} for p in ports], **spec},
            "status": {"loadBalancer": {"ingress": [{"ip": ip} for ip in ips]}},
        }
    )


def holds(*ports: int, ips: tuple[int, ...] = ()) -> ForeignService:
    return ForeignService("other", frozenset(ports), frozenset(ips))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(service("ClusterIP", (0,)), None, id="holds nothing"),
        pytest.param(service("NodePort", (30080, 30443)), holds(30080, 30443), id="node ports"),
        pytest.param(
            service("LoadBalancer", (30080,), ("10.0.0.5",), healthCheckNodePort=31000),
            holds(30080, 31000, ips=(TEN + 5,)),
            id="an address, the ports that come with it, and the one of its health check",
        ),
        pytest.param(service("ClusterIP", (0,), ("10.0.0.5",)), None, id="an address it no longer has"),
        pytest.param(service("LoadBalancer", (), ("a.example",)), None, id="what is no address"),
    ],
)
def test_what_a_service_of_others_holds(found: ForeignService | None, expected: ForeignService | None) -> None:
    assert found == expected


@pytest.mark.parametrize(
    ("promised", "services", "left"),
    [
        (1000, [], 1000),
        (1000, [holds(30080, 30443)], 1000),
        (5000, [], NODE_PORTS),
        (5000, [holds(30080, 30443), holds(30080)], NODE_PORTS - 2),
        (NODE_PORTS, [holds(*range(30000, 32768))], 0),
        (0, [], 0),
    ],
)
def test_node_ports_left(promised: int, services: list[ForeignService], left: int) -> None:
    assert node_ports_left(promised, services) == left


@pytest.mark.parametrize(
    ("addresses", "avoid", "size"),
    [
        (["10.0.0.0/28"], False, 16),
        (["10.0.0.5-10.0.0.9"], False, 5),
        (["10.0.0.5 - 10.0.0.9", "10.0.0.8-10.0.0.11"], False, 7),
        (["10.0.0.0/24"], True, 254),
        (["10.0.0.1-10.0.0.9"], True, 9),
        (["10.0.0.250-10.0.1.3"], True, 8),
        (["fd00::/126"], False, 4),
        (["10.0.0.0/30", "fd00::/64"], False, 4),
        (["nonsense", "10.0.0.9-10.0.0.5", "10.0.0.7/99", "a-b"], False, 0),
        ([], False, 0),
    ],
)
def test_size_of_a_pool(addresses: list[str], avoid: bool, size: int) -> None:
    found = pool({"metadata": {"name": "p"}, "spec": {"addresses": addresses, "avoidBuggyIPs": avoid}})
    assert found.size == size


def test_addresses_left() -> None:
    ten = Pool("p", ((TEN + 1, TEN + 10),))
    assert leased_ips_left(ten, []) == 10
    taken = [holds(ips=(TEN + 1,)), holds(ips=(TEN + 1, TEN + 2)), holds(ips=(TEN + 99,))]
    assert leased_ips_left(ten, taken) == 8, "a shared one counts once, one of another pool not at all"
    assert leased_ips_left(4, taken) == 1, "where only their number is declared, every address in use is one of them"
    assert leased_ips_left(2, taken) == 0
    assert leased_ips_left(0, taken) == 0
