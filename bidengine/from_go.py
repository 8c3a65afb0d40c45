"""A price file from the values of the Go provider's Helm chart, or from the variables its price script reads.

The numbers stay what they are: both count in dollars a month (bidengine-inventory.md §4.4). What the script priced in
silence (a storage class or a card it did not know) is written out with a comment, so that the operator sees it. The
script's keys name no vendor; a model is AMD's when it looks like one of theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from manifests.coins import parse_decimal, shown
from manifests.errors import Invalid

_DEFAULTS = {
    "cpu": "1.60", "memory": "0.80", "hd_ephemeral": "0.02", "hd_pers_hdd": "0.01", "hd_pers_ssd": "0.03",
    "hd_pers_nvme": "0.04", "endpoint": "0.05", "ip": "5",
}  # fmt: skip
_HIGHEST_AT_LEAST = 100 * 10**18
"""What the script takes for a card it has no price of: the highest it knows, and no less than this."""
_VARIABLE = re.compile(r"(export +)?(?P<name>[A-Za-z_]\w*)=(?P<value>.*)", re.ASCII)
_AMD = re.compile(r"mi\d|rx\d|w\d{4}|radeon|instinct", re.ASCII)
_GPU_KEY = re.compile(r"(?P<model>[\w-]+)(\.(?P<ram>\d+Gi))?(\.(?P<interface>[a-z][a-z0-9-]*))?", re.ASCII)
_ELSEWHERE = {
    "bidpricescript": "a price script was used; it runs as it is with bid.strategy: script (docs/pricing.md)",
    "whitelist_url": "the list of tenants belongs into the policy file (docs/policy.md)",
    "bidpricecpuscale": "scales stay scales with bid.strategy: scale; they are not in dollars",
}


def prices_from_go(text: str) -> str:
    """The price file, as YAML with comments. `text` is the chart's values.yaml, or lines of NAME=value. Raises
    `Invalid` with the key."""
    values = {key.lower(): value for key, value in _read(text).items()}
    return "\n".join(_lines(values)) + "\n"


def _lines(values: Mapping[str, Any]) -> Iterator[str]:
    usd = {name: _usd(f"price_target_{name}", values, default) for name, default in _DEFAULTS.items()}
    cards = _cards(values.get("price_target_gpu_mappings"))
    yield "# Made from the Go provider's values: the same prices, in dollars a month."
    yield from (f"# Not here: {key}: {why}." for key, why in _ELSEWHERE.items() if values.get(key))
    yield "currency: uact"
    yield "usdPerMonth:"
    yield f"  cpu: {usd['cpu']}"
    yield f"  memoryGiB: {usd['memory']}"
    yield "  storageGiB:"
    yield f"    ephemeral: {usd['hd_ephemeral']}"
    yield f"    beta1: {usd['hd_pers_hdd']}"
    yield f"    beta2: {usd['hd_pers_ssd']}"
    yield f"    beta3: {usd['hd_pers_nvme']}"
    yield "    default: 0  # the script gave this class away: set a price, or delete the line and no longer sell it"
    yield "    ram: 0      # the same; it is memory, so the price of memoryGiB would be right"
    yield f"  endpoint: {usd['endpoint']}"
    yield f"  ip: {usd['ip']}"
    yield "  gpu:"
    highest = max((_HIGHEST_AT_LEAST, *cards.values()))
    yield f'    "*": {shown(highest)}  # any other card; the script took its highest price, or 100'
    yield from (f"    {key}: {shown(amount)}" for key, amount in cards.items() if key != "*")


def _cards(mappings: Any) -> dict[str, int]:
    """`a100=900,a100.80Gi.sxm=1100` with our keys. A `*` only raised the highest price, and here does no more."""
    where, found = "price_target_gpu_mappings", dict[str, int]()
    for part in filter(None, (p.strip() for p in str(mappings or "").split(","))):
        key, _, amount = part.partition("=")
        card = _GPU_KEY.fullmatch(key.strip())
        if card is None and key.strip() != "*":
            raise Invalid(where, f"{key!r} is not model[.80Gi][.sxm] or *", value=part)
        ours = "*"
        if card is not None:
            vendor = "amd" if _AMD.match(card["model"]) else "nvidia"
            ours = "/".join(filter(None, (vendor, card["model"], card["ram"], card["interface"])))
        found[ours] = _amount(f"{where}: {key.strip()}", amount)
    return found


def _usd(key: str, values: Mapping[str, Any], default: str) -> str:
    return shown(_amount(key, values.get(key) or default))


def _amount(where: str, value: Any) -> int:
    try:
        amount = parse_decimal(str(value).strip())
    except ValueError as bad:
        raise Invalid(where, str(bad), value=value) from None
    if amount < 0:
        raise Invalid(where, "a price cannot be negative", value=value)
    return amount


def _read(text: str) -> dict[str, Any]:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    variables = [_VARIABLE.fullmatch(line) for line in lines]
    if lines and all(variables):
        return {v["name"]: v["value"].strip("'\"") for v in variables if v is not None}
    try:
        found = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - nothing but text, lists and maps
    except yaml.YAMLError as bad:
        raise Invalid("", f"not YAML: {getattr(bad, 'problem', None) or bad}") from None
    if not isinstance(found, dict):
        raise Invalid("", "the chart's values, or lines of NAME=value, are expected")
    return found
