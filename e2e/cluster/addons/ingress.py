"""An ingress for host names, by Ingress and by Gateway API: Contour and Envoy as processes of the host.

Contour serves one Gateway, and Ingresses by that Gateway's only listener. A listener's port becomes Envoy's by adding
8000, so that is taken off beforehand.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster import build, controlplane, gatewayapi
from e2e.cluster.addons import envoy
from e2e.cluster.addons.ground import Ground, namespace
from e2e.cluster.cluster import Cluster

INGRESS_CLASS = "akash-ingress-class"
GATEWAY, GATEWAY_NAMESPACE = "akash-gateway", "akash-gateway"
_HOST = "127.0.0.1"
_FILE = "ingress.json"
_ADMIN = "envoy-admin.sock"
_ADDED = 8000
_UNSERVED = ("tlsroutes", "tcproutes", "backendtlspolicies")
"""Kinds, or versions of them, that the Gateway API's standard channel does not define; Contour would wait for them."""


def port(cluster: Cluster) -> int:
    """Of HTTP on 127.0.0.1, for every host name."""
    return int(json.loads((cluster.run / _FILE).read_text())["http"])


def start(ground: Ground) -> None:
    ground.define(*gatewayapi.definitions(), *_own_definitions())
    http, xds, health, metrics, debug, stats, admin = controlplane.free_ports(_HOST, 7)
    ground.apply(namespace("projectcontour"), namespace(GATEWAY_NAMESPACE))
    ground.apply(*_gateway(http), _ingress_class())
    config = ground.run / "contour.yaml"
    gateway = {"gatewayRef": {"name": GATEWAY, "namespace": GATEWAY_NAMESPACE}}
    config.write_text(json.dumps({"gateway": gateway, "network": {"admin-port": admin}}))
    ground.start(
        "contour",
        [
            str(ground.program), "serve", "--insecure", "--disable-leader-election",
            f"--config-path={config}", f"--kubeconfig={ground.cluster.kubeconfig}",
            *(f"--disable-feature={kind}" for kind in _UNSERVED),
            f"--ingress-class-name={INGRESS_CLASS}", f"--ingress-status-address={_HOST}",
            f"--xds-address={_HOST}", f"--xds-port={xds}",
            f"--health-address={_HOST}", f"--health-port={health}",
            f"--http-address={_HOST}", f"--http-port={metrics}",
            f"--debug-http-address={_HOST}", f"--debug-http-port={debug}",
            f"--stats-address={_HOST}", f"--stats-port={stats}",
            f"--envoy-service-http-address={_HOST}", f"--envoy-service-http-port={http}",
            f"--envoy-service-https-address={_HOST}", f"--envoy-service-https-port={http}",
        ],
    )  # fmt: skip
    ground.start("envoy", _envoy(ground, xds))
    (ground.run / _FILE).write_text(json.dumps({"http": http}))
    ground.wait_for("Envoy to know its routes", lambda: _ready(ground.run / _ADMIN), "contour", "envoy")


def _own_definitions() -> list[dict[str, Any]]:
    examples = build.source("contour", "github.com/projectcontour/contour") / "examples" / "contour"
    return [each for each in yaml.safe_load_all((examples / "01-crds.yaml").read_text()) if each]


def _envoy(ground: Ground, xds: int) -> list[str]:
    """Without hot restart, whose shared memory all Envoys of a machine would fight for."""
    bootstrap = ground.run / "envoy.json"
    command = [
        str(ground.program), "bootstrap", f"--xds-address={_HOST}", f"--xds-port={xds}",
        f"--admin-address={ground.run / _ADMIN}", str(bootstrap),
    ]  # fmt: skip
    ground.start("contour-bootstrap", command)
    ground.wait_for("Envoy's bootstrap", lambda: not ground.processes.alive("contour-bootstrap"))
    if not bootstrap.exists():
        raise RuntimeError(f"contour bootstrap wrote nothing: {ground.processes.tail('contour-bootstrap')}")
    return [
        str(envoy.program()), "-c", str(bootstrap), "--service-cluster", "contour", "--service-node", "envoy",
        "--disable-hot-restart", "--concurrency", "1", "--log-level", "warn",
    ]  # fmt: skip


def _gateway(http: int) -> list[dict[str, object]]:
    everyone = {"namespaces": {"from": "All"}}
    listener = {"name": "http", "protocol": "HTTP", "port": http - _ADDED, "allowedRoutes": everyone}
    return [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": "contour"},
            "spec": {"controllerName": "projectcontour.io/gateway-controller"},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": GATEWAY, "namespace": GATEWAY_NAMESPACE},
            "spec": {"gatewayClassName": "contour", "listeners": [listener]},
        },
    ]


def _ingress_class() -> dict[str, object]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": INGRESS_CLASS},
        "spec": {"controller": "projectcontour.io/contour"},
    }


def _ready(admin: Path) -> bool:
    """Without any route Contour gives it no port to listen on, so it is asked itself."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(5)
        try:
            link.connect(str(admin))
            link.sendall(b"GET /ready HTTP/1.1\r\nHost: envoy\r\nConnection: close\r\n\r\n")
            return b"LIVE" in b"".join(iter(lambda: link.recv(4096), b""))
        except OSError:
            return False
