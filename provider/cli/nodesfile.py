"""Machines from a file, for questions about a cluster that is not there (docs/simulate.md):

nodes:
  - {name: big, count: 3, cpu: 128, memory: 1Ti, ephemeral: 4Ti, gpus: {nvidia/h100/80Gi/sxm: 8}, classes: [beta3]}
  - {name: small, cpu: 32, memory: 128Gi, ephemeral: 1Ti}
storage: {beta3: 20Ti}
nodePorts: 1000
leasedIPs: 4
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bidengine.node import Inventory, Node
from manifests.gpus import GpuModel
from manifests.units import parse_cpu_milli, parse_quantity
from provider.errors import ConfigError


def read_nodes(path: Path) -> Inventory:
    """ConfigError names the place and what is expected."""
    try:
        found = _File.model_validate(yaml.safe_load(path.read_text()))
    except OSError as bad:
        raise ConfigError(str(path), bad.strerror or "cannot be read", "Name a readable file.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as bad:
        raise ConfigError(str(path), f"not YAML: {bad}", _CURE) from None
    except ValidationError as bad:
        first = bad.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = first.get("ctx", {}).get("error") or first["msg"]
        raise ConfigError(f"{path}: {where}" if where else str(path), str(reason), _CURE) from None
    nodes = [node for entry in found.nodes for node in _machines(entry)]
    twice = sorted({node.name for node in nodes if sum(other.name == node.name for other in nodes) > 1})
    if twice:
        raise ConfigError(str(path), f"two nodes are named {twice[0]}", "Give each a name of its own.")
    return Inventory(tuple(nodes), found.storage, node_ports=found.node_ports, leased_ips=found.leased_ips)


def _machines(entry: _Machine) -> list[Node]:
    names = [entry.name] if entry.count == 1 else [f"{entry.name}-{n}" for n in range(1, entry.count + 1)]
    return [
        Node(
            name, entry.cpu, entry.memory, entry.ephemeral, entry.pods, dict(entry.gpus), frozenset(entry.classes)
        )
        for name in names
    ]  # fmt: skip


def _card(key: Any) -> GpuModel:
    vendor, model, *more = str(key).split("/")
    ram = [part for part in more if part.endswith("i") and part[:1].isdigit()]
    rest = [part for part in more if part not in ram]
    if not (vendor and model) or len(ram) > 1 or len(rest) > 1:
        raise ValueError("a card is written vendor/model[/80Gi][/sxm]")
    return GpuModel(vendor, model, *ram or ("",), *rest or ("",))


def _cards(value: Any) -> Any:
    try:
        return {_card(key): units for key, units in value.items()} if isinstance(value, dict) else value
    except ValueError:
        raise ValueError("a card is written vendor/model[/80Gi][/sxm]: how many") from None


_Cpu = Annotated[int, BeforeValidator(lambda value: parse_cpu_milli(str(value))), Field(ge=0)]
_Bytes = Annotated[int, BeforeValidator(lambda value: parse_quantity(str(value))), Field(ge=0)]
_Units = Annotated[int, Field(ge=0, le=10_000)]
_CURE = "See docs/simulate.md for the format."


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Machine(_Part):
    name: str = Field(min_length=1)
    count: int = Field(1, ge=1, le=10_000)
    cpu: _Cpu
    memory: _Bytes
    ephemeral: _Bytes
    pods: int = Field(110, ge=0)
    gpus: Annotated[dict[GpuModel, _Units], BeforeValidator(_cards)] = {}
    classes: tuple[str, ...] = ()


class _File(_Part):
    nodes: tuple[_Machine, ...] = Field(min_length=1)
    storage: dict[str, _Bytes] = {}
    node_ports: int = Field(1000, ge=0, alias="nodePorts")
    leased_ips: int = Field(0, ge=0, alias="leasedIPs")
