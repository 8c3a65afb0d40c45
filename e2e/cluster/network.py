"""Addresses of one kubelet cluster: a 10.N.0.0/16 nobody on this machine routes to, and the cable from the host into
the node.

The name of the cable's host end, `akpN`, is also the claim on N: the kernel lets only one process create it.
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Network:
    number: int

    @property
    def cable(self) -> str:
        return f"akp{self.number}"

    @property
    def host(self) -> str:
        """The host's end of the cable: where the API server listens, reachable from the node and its pods."""
        return f"10.{self.number}.255.253"

    @property
    def node_uplink(self) -> str:
        return f"10.{self.number}.255.254"

    @property
    def node(self) -> str:
        """Address of the pod bridge, and the node's own: kubelet accepts no loopback address."""
        return f"10.{self.number}.0.1"

    @property
    def pods(self) -> str:
        return f"10.{self.number}.0.0/24"

    @property
    def services(self) -> str:
        return f"10.{self.number}.128.0/18"

    @property
    def kubernetes_service(self) -> str:
        return f"10.{self.number}.128.1"

    @property
    def dns(self) -> str:
        """Where pods ask for names, should somebody answer."""
        return f"10.{self.number}.128.10"

    @property
    def leased(self) -> str:
        """For Services of type LoadBalancer, should somebody give addresses."""
        return f"10.{self.number}.200.0/28"

    def lay(self, init: int) -> None:
        """Join host and node (a process in the node's namespaces), and route everything behind the node through it."""
        _run("ip", "link", "add", self.cable, "type", "veth", "peer", "name", "uplink", "netns", str(init))
        _run("ip", "addr", "add", f"{self.host}/30", "dev", self.cable)
        _run("ip", "link", "set", self.cable, "up")
        inside = ["nsenter", "-t", str(init), "-n", "--"]
        for command in (
            ["ip", "link", "set", "lo", "up"],
            ["ip", "addr", "add", f"{self.node_uplink}/30", "dev", "uplink"],
            ["ip", "link", "set", "uplink", "up"],
            ["ip", "route", "add", "default", "via", self.host],
            ["ip", "link", "add", "pods", "type", "bridge"],
            ["ip", "addr", "add", f"{self.node}/24", "dev", "pods"],
            ["ip", "link", "set", "pods", "up"],
            ["sysctl", "-qw", "net.ipv4.ip_forward=1"],
        ):
            _run(*inside, *command)
        for subnet in (self.pods, self.services, self.leased):
            _run("ip", "route", "add", subnet, "via", self.node_uplink, "dev", self.cable)

    def cut(self) -> None:
        """Take the cable away; its far end, the routes and whatever else was in the node's namespace go with it."""
        subprocess.run(["ip", "link", "del", self.cable], capture_output=True, check=False)


def unused(taken: set[int]) -> Network:
    """A network that no route of this machine touches and that is not in `taken`."""
    routes = json.loads(_run("ip", "-j", "-4", "route", "show", "table", "all"))
    known = [ipaddress.ip_network(r["dst"], strict=False) for r in routes if r.get("dst", "default")[0].isdigit()]
    for number in range(64, 128):
        ours = ipaddress.ip_network(f"10.{number}.0.0/16")
        if number not in taken and not any(ours.overlaps(each) for each in known if each.prefixlen > 0):
            return Network(number)
    raise RuntimeError("every 10.64.0.0/16 … 10.127.0.0/16 is in use on this machine")


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
