"""The price file: YAML in words an operator would use, checked to the last key before it replaces the prices in force.

    currency: uact
    usdPerMonth:
      cpu: 1.60              # per core
      memoryGiB: 0.80
      storageGiB: {ephemeral: 0.02, beta3: 0.04, ram: 0.80}
      endpoint: 0.05
      ip: 5
      gpu: {"*": 100, nvidia/a100: 900, nvidia/a100/80Gi/sxm: 1100}
    minimumUsdPerMonth: 0.50  # per lease

What every file of an operator has in common is in typed_file.py.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from bidengine.tariff import Tariff
from bidengine.typed_file import Part, parse
from manifests.coins import parse_decimal

_GPU_KEY = re.compile(r"\*|[a-z0-9-]+/(\*|[A-Za-z0-9._-]+(/[0-9]+[KMGT]i)?(/[a-z0-9-]+)?)", re.ASCII)
_CLASS = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.ASCII)


def parse_tariff(text: str) -> Tariff:
    """Raises `Invalid` with the path of the key, what was found, and line and column where the file gives them."""
    file = parse(
        text,
        _File,
        empty="the price file is empty; it needs at least usdPerMonth",
        missing="is missing; what costs nothing must be said to cost 0",
    )
    month = file.usd_per_month
    return Tariff(
        cpu_usd_e18=month.cpu,
        memory_usd_e18=month.memory_gib,
        storage_usd_e18=month.storage_gib,
        gpu_usd_e18=month.gpu,
        endpoint_usd_e18=month.endpoint,
        ip_usd_e18=month.ip,
        minimum_usd_e18=file.minimum_usd_per_month,
        currency=file.currency,
    )


def _amount(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError("an amount in dollars is expected, e.g. 1.60")
    amount = parse_decimal(value)
    if amount < 0:
        raise ValueError("a price cannot be negative")
    return amount


def _gpu_key(key: str) -> str:
    if _GPU_KEY.fullmatch(key) is None:
        raise ValueError('a GPU is written "*", vendor/* or vendor/model[/80Gi][/sxm]')
    return key


def _class_key(key: str) -> str:
    if _CLASS.fullmatch(key) is None:
        raise ValueError("a storage class is a lower-case name, or ephemeral, or ram")
    return key


Usd = Annotated[int, BeforeValidator(_amount)]


class _UsdPerMonth(Part):
    cpu: Usd
    memory_gib: Usd = Field(alias="memoryGiB")
    storage_gib: dict[Annotated[str, AfterValidator(_class_key)], Usd] = Field(alias="storageGiB")
    gpu: dict[Annotated[str, AfterValidator(_gpu_key)], Usd] = Field({})
    endpoint: Usd | None = None
    ip: Usd | None = None


class _File(Part):
    currency: Literal["uact"] = "uact"
    usd_per_month: _UsdPerMonth = Field(alias="usdPerMonth")
    minimum_usd_per_month: Usd = Field(0, alias="minimumUsdPerMonth")
