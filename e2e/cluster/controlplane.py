"""etcd, API server, controller manager and scheduler as plain host processes, ready in seconds.

etcd does not fsync: a cluster that lives for minutes is not worth the disk's time.
"""

from __future__ import annotations

import base64
import json
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from e2e.cluster import cache
from e2e.cluster.pki import Authority
from e2e.cluster.processes import PATIENCE_S, Processes

SERVICES = "10.96.0.0/16"
_PORTS = range(20_000, 30_000)
"""Below those that the kernel gives to whoever asks for any, and to every connection."""
_UNHURRIED = ("--kube-api-qps=1000", "--kube-api-burst=2000")
"""By themselves they ask the API server twenty or fifty times a second, which hundreds of pods would wait for."""
KUBERNETES_SERVICE = "10.96.0.1"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the control plane listens. Services get addresses from `services`; the first is the API server's own."""

    run: Path
    host: str = "127.0.0.1"
    services: str = SERVICES
    kubernetes_service: str = KUBERNETES_SERVICE

    @property
    def pki(self) -> Path:
        return self.run / "pki"


def start(programs: dict[str, Path], place: Place, processes: Processes, *, node_address: str | None) -> str:
    """Start all four and return the server's URL once it says it is ready."""
    authority = Authority(place.pki)
    authority.service_accounts()
    names = (
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    )
    authority.issue(
        "apiserver", "kube-apiserver", addresses=("127.0.0.1", place.host, place.kubernetes_service), dns=names
    )
    authority.issue("admin", "admin", group="system:masters")
    if node_address:
        authority.issue("node1", "system:node:node1", group="system:nodes", addresses=(node_address,), dns=("node1",))

    (port,) = free_ports(place.host, 1)
    client, peer = free_ports("127.0.0.1", 2)
    url, etcd = f"https://{place.host}:{port}", f"http://127.0.0.1:{client}"
    for user in ("admin", *(["node1"] if node_address else [])):
        (place.run / f"{user}.kubeconfig").write_text(kubeconfig(url, place.pki, user))
        (place.run / f"{user}.kubeconfig").chmod(0o600)
    processes.start("etcd", _etcd(programs, place, etcd, f"http://127.0.0.1:{peer}"))
    processes.start("kube-apiserver", _apiserver(programs, place, etcd, port, reachable=node_address is not None))
    with api(url, place.pki) as http:
        _await_ready(http, processes)
        admin = str(place.run / "admin.kubeconfig")
        processes.start("kube-controller-manager", _controller_manager(programs, place, admin))
        processes.start(
            "kube-scheduler",
            [
                str(programs["kube-scheduler"]),
                f"--kubeconfig={admin}",
                "--leader-elect=false",
                "--secure-port=0",
                *_UNHURRIED,
            ],
        )
        _await_usable(http, processes)
    return url


def api(url: str, pki: Path) -> httpx.Client:
    """A client with the administrator's certificate."""
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    return httpx.Client(base_url=url, verify=context, timeout=120, trust_env=False)


def kubeconfig(url: str, pki: Path, user: str) -> str:
    """JSON is YAML; certificates are inside, so that the file can be carried around."""

    def data(name: str) -> str:
        return base64.b64encode((pki / name).read_bytes()).decode()

    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "local", "cluster": {"server": url, "certificate-authority-data": data("ca.crt")}}],
            "users": [
                {
                    "name": user,
                    "user": {"client-certificate-data": data(f"{user}.crt"), "client-key-data": data(f"{user}.key")},
                }
            ],
            "contexts": [{"name": "local", "context": {"cluster": "local", "user": user}}],
            "current-context": "local",
        },
        indent=1,
    )


def free_ports(host: str, count: int) -> list[int]:
    """Ports nobody listens on just now. Who asked for them may take a minute until it listens there, so nobody is told
    them again until all the others were."""
    found: list[int] = []
    with cache.lock("ports"):
        noted = cache.root() / "last-port"
        last = noted.read_text() if noted.exists() else ""
        at = int(last) if last.isdigit() else _PORTS.start
        for _ in _PORTS:
            at = at + 1 if at + 1 in _PORTS else _PORTS.start
            if len(found) < count and _is_free(host, at):
                found.append(at)
            if len(found) == count:
                break
        else:
            raise RuntimeError(f"no {count} ports of {host} are free from {_PORTS.start} to {_PORTS.stop - 1}")
        noted.write_text(str(at))
    return found


def _is_free(host: str, port: int) -> bool:
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return False
    return True


def _etcd(programs: dict[str, Path], place: Place, client: str, peer: str) -> list[str]:
    return [
        str(programs["etcd"]),
        f"--data-dir={place.run / 'etcd'}",
        "--unsafe-no-fsync",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--log-level=warn",
    ]


def _apiserver(programs: dict[str, Path], place: Place, etcd: str, port: int, *, reachable: bool) -> list[str]:
    """Without a node nobody can reach the server by its service address, and a loopback one may not be advertised
    there.
    """
    pki = place.pki
    return [
        str(programs["kube-apiserver"]),
        f"--etcd-servers={etcd}",
        f"--bind-address={place.host}",
        f"--advertise-address={place.host}",
        f"--secure-port={port}",
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki / 'sa.pub'}",
        f"--service-account-signing-key-file={pki / 'sa.key'}",
        f"--service-cluster-ip-range={place.services}",
        "--authorization-mode=Node,RBAC",
        f"--kubelet-client-certificate={pki / 'admin.crt'}",
        f"--kubelet-client-key={pki / 'admin.key'}",
        f"--kubelet-certificate-authority={pki / 'ca.crt'}",
        "--kubelet-preferred-address-types=InternalIP",  # else logs and exec look up the node's name
        f"--endpoint-reconciler-type={'lease' if reachable else 'none'}",
        "--allow-privileged",
        "--profiling=false",
    ]


def _controller_manager(programs: dict[str, Path], place: Place, admin: str) -> list[str]:
    return [
        str(programs["kube-controller-manager"]),
        f"--kubeconfig={admin}",
        f"--authentication-kubeconfig={admin}",
        f"--authorization-kubeconfig={admin}",
        f"--service-account-private-key-file={place.pki / 'sa.key'}",
        f"--root-ca-file={place.pki / 'ca.crt'}",
        "--use-service-account-credentials",
        "--leader-elect=false",
        "--secure-port=0",
        "--node-monitor-grace-period=5m",  # on a machine that is busy elsewhere, nodes are late, not gone
        "--node-startup-grace-period=5m",  # and so are new ones
        *_UNHURRIED,
    ]


def _await_ready(http: httpx.Client, processes: Processes) -> None:
    def ready() -> bool:
        return http.get("/readyz").text == "ok"

    _await("the API server to be ready", ready, processes, ("etcd", "kube-apiserver"))


def _await_usable(http: httpx.Client, processes: Processes) -> None:
    """Pods need the service account, which the controller manager makes."""

    def usable() -> bool:
        return http.get("/api/v1/namespaces/default/serviceaccounts/default").status_code == 200

    names = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
    _await("the default service account", usable, processes, names)


def _await(what: str, good: object, processes: Processes, names: tuple[str, ...]) -> None:
    assert callable(good)
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            if good():
                return
        except httpx.TransportError:
            pass
        for name in names:
            if not processes.alive(name):
                raise RuntimeError(f"{name} ended: {processes.tail(name)}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {PATIENCE_S:.0f} s for {what}: {processes.tail(names[-1])}")
        time.sleep(0.05)
