"""Settings of what keeps tenants within bounds, all on by default; docs/isolation.md tells what each is worth."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode

from manifests.render.isolation import Isolation
from manifests.units import parse_quantity
from provider.pricer_settings import listed
from provider.setting_types import Bandwidth, CapabilityName, Disk, MaybeName


def _numbers(value: Any) -> Any:
    return listed(value) if isinstance(value, str) else value


def _network(text: str) -> str:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as bad:
        raise ValueError(f"{text!r} is not a network such as 203.0.113.0/24: {bad}") from None
    return str(network)


Port = Annotated[int, Field(ge=1, le=65535)]
Ports = Annotated[tuple[Port, ...], NoDecode, BeforeValidator(_numbers)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], NoDecode, BeforeValidator(listed)]
CapabilityNames = Annotated[tuple[CapabilityName, ...], NoDecode, BeforeValidator(listed)]

_DEFAULT = Isolation()


class IsolationSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    seccomp_profile: Literal["RuntimeDefault", ""] = Field(
        "RuntimeDefault",
        description="System calls of tenants are filtered by the runtime's own profile; empty by none.",
    )
    drop_capabilities: CapabilityNames = Field(
        _DEFAULT.drop_capabilities, description="Capabilities that containers do not get, without CAP_."
    )
    pod_security: Literal["baseline", ""] = Field(
        "baseline",
        description="Pod Security level enforced in lease namespaces by the API server; empty enforces none.",
    )
    runtime_class: MaybeName = Field(
        "", description="RuntimeClass of new leases' pods without GPUs: a sandbox, e.g. gvisor or kata."
    )
    closed_ports: Ports = Field(
        _DEFAULT.closed_ports, description="TCP ports that leases cannot reach outside of the cluster; 25 is mail."
    )
    closed_networks: Networks = Field(
        (), description="Networks closed to leases beside private ones, e.g. public addresses of nodes: 203.0.113.0/24."
    )
    open_networks: Networks = Field((), description="Networks opened to leases although closed, e.g. 10.9.0.0/24.")
    max_connections: int = Field(
        _DEFAULT.max_connections,
        ge=0,
        le=1_000_000_000,
        description="Most connections a pod has to others at a time, where the network is Calico; 0 sets no limit.",
    )
    ingress_bandwidth: Bandwidth = Field(
        "", description="Bits per second into a pod, e.g. 200M, where the network has the bandwidth plugin."
    )
    egress_bandwidth: Bandwidth = Field("", description="Bits per second out of a pod.")
    unbought_disk: Disk = Field(
        "1Gi", description="What a container may write where its tenant bought no disk; empty sets no limit."
    )
    hide_gpus: bool = Field(
        True, description="Tenants cannot choose GPUs by NVIDIA's variables; the device plugin gives what was bought."
    )

    nvidia_runtime_for_all: bool = Field(
        False, description="NVIDIA's runtime starts every container here: those without GPUs are told to have none."
    )

    def chosen(self) -> Isolation:
        """As rendering takes it."""
        fields = self.model_dump(exclude={"unbought_disk"})
        return Isolation(**fields, unbought_disk_bytes=parse_quantity(self.unbought_disk) if self.unbought_disk else 0)
