"""One real node, `node1`: containerd with a bridge network, kubelet and kube-proxy, inside the node's namespaces."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path

from e2e.cluster import images, nodespace
from e2e.cluster.network import Network
from e2e.cluster.processes import PATIENCE_S, Processes

NAME = "node1"
_SOCKET = "/run/containerd.sock"  # inside the node, where /run is its own


def start(
    programs: dict[str, Path], run: Path, network: Network, processes: Processes, *, init: int, cgroup: str
) -> None:
    """Returns once the parts are started; that the node is Ready is for the API to say."""
    inside = nodespace.enter(init)
    _containerd(run, inside, network, processes)
    load(run, inside, images.standard())
    (run / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (run / "kubelet.json").write_text(json.dumps(_kubelet(run, network, cgroup), indent=1))
    processes.start(
        "kubelet",
        [
            *inside,
            str(programs["kubelet"]),
            f"--config={run / 'kubelet.json'}",
            f"--kubeconfig={run / 'node1.kubeconfig'}",
            f"--hostname-override={NAME}",
            f"--root-dir={run / 'kubelet'}",
            f"--node-ip={network.node}",
        ],
    )
    processes.start(
        "kube-proxy",
        [
            *inside,
            str(programs["kube-proxy"]),
            f"--kubeconfig={run / 'admin.kubeconfig'}",
            f"--hostname-override={NAME}",
            f"--cluster-cidr={network.pods}",
            "--proxy-mode=iptables",
            "--conntrack-max-per-core=0",  # the kernel's setting is the host's, not ours
        ],
    )


def load(run: Path, inside: list[str], wanted: list[images.Image]) -> None:
    """Import images as if they had been pulled."""
    for number, image in enumerate(wanted):
        archive = run / f"image-{number}.tar"
        images.write(image, archive)
        _ctr(inside, "images", "import", str(archive))
        archive.unlink()


def _containerd(run: Path, inside: list[str], network: Network, processes: Processes) -> None:
    (run / "cni").mkdir(exist_ok=True)
    (run / "cni" / "10-pods.conflist").write_text(json.dumps(_cni(run, network)))
    (run / "containerd.toml").write_text(_containerd_config(run))
    processes.start("containerd", [*inside, str(shutil.which("containerd")), "-c", str(run / "containerd.toml")])
    deadline = time.monotonic() + PATIENCE_S
    while subprocess.run([*inside, "ctr", "-a", _SOCKET, "version"], capture_output=True, check=False).returncode:
        if time.monotonic() > deadline or not processes.alive("containerd"):
            raise RuntimeError(f"containerd does not answer: {processes.tail('containerd')}")
        time.sleep(0.1)


def _ctr(inside: list[str], *arguments: str) -> None:
    done = subprocess.run(
        [*inside, "ctr", "-a", _SOCKET, "-n", "k8s.io", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"ctr {' '.join(arguments)}: {done.stderr.strip()}")


def _cni(run: Path, network: Network) -> dict[str, object]:
    bridge = {
        "type": "bridge",
        "bridge": "pods",
        "isGateway": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": str(run / "cni-addresses"),
            "ranges": [[{"subnet": network.pods}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, portmap]}


def _containerd_config(run: Path) -> str:
    """restrict_oom_score_adj: without CAP_SYS_RESOURCE nobody may lower a process's score, and runc dies trying."""
    return f"""version = 2
root = "{run}/containerd"
state = "/run/containerd"
[grpc]
address = "{_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{images.PAUSE}"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{run}/cni"
"""


def _kubelet(run: Path, network: Network, cgroup: str) -> dict[str, object]:
    pki = run / "pki"
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroup}",
        "failSwapOn": False,
        "enforceNodeAllocatable": ["pods"],
        "containerRuntimeEndpoint": f"unix://{_SOCKET}",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": False},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "tlsCertFile": str(pki / "node1.crt"),
        "tlsPrivateKeyFile": str(pki / "node1.key"),
        "healthzPort": 0,
        "resolvConf": str(run / "resolv.conf"),
        "clusterDNS": [network.dns],
        "clusterDomain": "cluster.local",
        "makeIPTablesUtilChains": False,
        "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%", "memory.available": "100Mi"},
        "imageGCHighThresholdPercent": 100,  # a full disk of the host must not cost the only copy of an image
        "nodeStatusUpdateFrequency": "5s",
        "syncFrequency": "10s",
    }
