"""The reference provider's own variables, `AP_*` and `AKASH_*`, for pricing: an operator who changes over keeps them.

Weaker than every source of ours. A value with no counterpart here is an error with the cure, never left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from provider.errors import ConfigError

PREFIXES = ("AP_", "AKASH_")
"""The first counts when both are set, as in the reference."""
_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+", re.ASCII)
_STRATEGIES = {"scale": "scale", "shellScript": "script"}


def from_reference(environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings they amount to, as a tree. An empty variable is as good as none."""
    tree: dict[str, Any] = {}
    for name, (path, meaning) in _NAMES.items():
        variable = next((p + name for p in PREFIXES if environ.get(p + name)), None)
        if variable is None:
            continue
        *sections, key = path.split(".")
        branch = tree
        for section in sections:
            branch = branch.setdefault(section, {})
        branch[key] = meaning(variable, environ[variable])
    return tree


def _as_it_is(variable: str, value: str) -> str:
    return value


def _strategy(variable: str, value: str) -> str:
    if value not in _STRATEGIES:
        cure = f"Known: {', '.join(_STRATEGIES)}; or unset it and write a price file (docs/prices.md)."
        raise ConfigError(variable, f"the strategy {value!r} is not offered here", cure)
    return _STRATEGIES[value]


def _seconds(variable: str, value: str) -> float:
    if _DURATION.fullmatch(value) is None:
        raise ConfigError(variable, f"{value!r} is not a duration", "Write it as 10s or 1m30s.")
    return sum(float(n) * _UNITS_S[unit] for n, unit in re.findall(r"([\d.]+)(h|ms|m|s|us|µs|ns)", value))


_NAMES: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "BID_PRICE_STRATEGY": ("bid.strategy", _strategy),
    "BID_PRICE_SCRIPT_PATH": ("bid.script.path", _as_it_is),
    "BID_PRICE_SCRIPT_PROCESS_LIMIT": ("bid.script.processes", _as_it_is),
    "BID_PRICE_SCRIPT_PROCESS_TIMEOUT": ("bid.script.timeout_s", _seconds),
    "BID_PRICE_CPU_SCALE": ("bid.scale.cpu", _as_it_is),
    "BID_PRICE_MEMORY_SCALE": ("bid.scale.memory", _as_it_is),
    "BID_PRICE_STORAGE_SCALE": ("bid.scale.storage", _as_it_is),
    "BID_PRICE_ENDPOINT_SCALE": ("bid.scale.endpoint", _as_it_is),
    "BID_PRICE_IP_SCALE": ("bid.scale.ip", _as_it_is),
}
"""Variable without its prefix -> our setting (bidengine-inventory.md §12.1)."""
