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

Scalars are kept as they are written: 0.02 is two hundredths, never a binary float. A key twice is an error, as is an
unknown one.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bidengine.tariff import Tariff
from manifests.coins import parse_decimal
from manifests.errors import Invalid

_GPU_KEY = re.compile(r"\*|[a-z0-9-]+/(\*|[A-Za-z0-9._-]+(/[0-9]+[KMGT]i)?(/[a-z0-9-]+)?)", re.ASCII)
_CLASS = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.ASCII)
_DEEPEST = 8


def parse_tariff(text: str) -> Tariff:
    """Raises `Invalid` with the path of the key, what was found, and line and column where the file gives them."""
    raw, places = _read(text)
    try:
        file = _File.model_validate(raw)
    except ValidationError as bad:
        raise _told(bad, places) from None
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


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _UsdPerMonth(_Part):
    cpu: Usd
    memory_gib: Usd = Field(alias="memoryGiB")
    storage_gib: dict[Annotated[str, AfterValidator(_class_key)], Usd] = Field(alias="storageGiB")
    gpu: dict[Annotated[str, AfterValidator(_gpu_key)], Usd] = {}
    endpoint: Usd | None = None
    ip: Usd | None = None


class _File(_Part):
    currency: Literal["uact"] = "uact"
    usd_per_month: _UsdPerMonth = Field(alias="usdPerMonth")
    minimum_usd_per_month: Usd = Field(0, alias="minimumUsdPerMonth")


_Place = tuple[int, int]


def _read(text: str) -> tuple[Any, dict[tuple[str, ...], _Place]]:
    """The file as nested dicts of text, and where each key stands."""
    places: dict[tuple[str, ...], _Place] = {}
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as bad:
        mark = getattr(bad, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
        raise Invalid("", f"not YAML: {getattr(bad, 'problem', None) or bad}", line=line, column=column) from None
    if root is None:
        raise Invalid("", "the price file is empty; it needs at least usdPerMonth")
    return _plain(root, (), places), places


def _plain(node: yaml.Node, path: tuple[str, ...], places: dict[tuple[str, ...], _Place]) -> Any:
    place = node.start_mark.line + 1, node.start_mark.column + 1
    places.setdefault(path, place)
    if len(path) > _DEEPEST:
        raise Invalid(".".join(path), "nested too deeply", line=place[0], column=place[1])
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, str(at)), places) for at, item in enumerate(node.value)]
    out: dict[str, Any] = {}
    for key, value in node.value:
        line, column = key.start_mark.line + 1, key.start_mark.column + 1
        where = (*path, str(key.value))
        if not isinstance(key, yaml.ScalarNode):
            raise Invalid(".".join(path), "a key must be a single word", line=line, column=column)
        if key.value in out:
            raise Invalid(".".join(where), "the key is there twice", line=line, column=column)
        places[where] = line, column
        out[key.value] = _plain(value, where, places)
    return out


def _told(bad: ValidationError, places: dict[tuple[str, ...], _Place]) -> Invalid:
    first = bad.errors()[0]
    path = tuple(str(part) for part in first["loc"] if part != "[key]")
    line, column = places.get(path, (None, None))
    where, found = ".".join(path), first["input"]
    match first["type"]:
        case "extra_forbidden":
            message = f"unknown key; known here: {', '.join(_known(path[:-1]))}"
        case "missing":
            message, found = "is missing; what costs nothing must be said to cost 0", None
        case _:
            reason = first.get("ctx", {}).get("error")
            message = str(reason) if reason is not None else first["msg"]
    return Invalid(where, message, value=found, line=line, column=column)


def _known(path: tuple[str, ...]) -> list[str]:
    model: type[BaseModel] = _UsdPerMonth if path == ("usdPerMonth",) else _File
    return sorted(field.alias or name for name, field in model.model_fields.items())
