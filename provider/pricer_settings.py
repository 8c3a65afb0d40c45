"""Settings of the ways to price that are not the price file: a script, the reference's scales, a service."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode


def listed(value: Any) -> Any:
    """One text, or several with commas, where a list is expected: what people write in an environment variable."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _decimal(value: Any) -> Any:
    """YAML makes a number of 0.004; here it becomes text again, as it was written."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return format(Decimal(repr(value)), "f")
    return value


def _per_class(value: Any) -> Any:
    """`0.00016,beta2=0.0002`, the reference's way to write prices per class: without a name it is `ephemeral`."""
    if not isinstance(value, str) or value.lstrip().startswith("{"):
        return json.loads(value) if isinstance(value, str) else value
    out: dict[str, str] = {}
    for part in listed(value):
        name, found, amount = part.rpartition("=")
        name = name.strip() if found else "ephemeral"
        if not name or name in out:
            raise ValueError(f"{part!r}: every class once, e.g. 0.00016,beta2=0.0002")
        out[name] = amount.strip()
    return out


Amount = Annotated[str, BeforeValidator(_decimal), Field(pattern=r"^\d{1,18}(\.\d{1,18})?$")]
PerClass = Annotated[dict[str, Amount], NoDecode, BeforeValidator(_per_class)]
Denoms = Annotated[tuple[str, ...], NoDecode, BeforeValidator(listed), Field(min_length=1)]
_DENOMS = "Denominations it can price in; orders in others get no bid, unasked."


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScriptSettings(_Part):
    path: Path | None = Field(None, description="Executable that prints the price per block; looked at when changed.")
    timeout_s: float = Field(10, gt=0, le=300, description="A script that takes longer is killed with its children.")
    processes: int = Field(32, ge=1, le=1000, description="Scripts that run at the same time.")
    input: Literal["object", "array"] = Field(
        "object", description="What it reads: object is today's form, array the bare list of resources of old scripts."
    )
    environment: dict[str, str] = Field(
        {}, repr=False, description="Variables for it, beside the few it gets anyway (docs/pricing.md)."
    )
    denoms: Denoms = Field(("uact", "uakt"), description=_DENOMS)


class ScaleSettings(_Part):
    """The reference's names and units: micro-units of the currency per block."""

    currency: str = Field("", description="Denomination the scales are in; must be said, e.g. uact.")
    cpu: Amount = Field("0", description="Per thousandth of a core and block.")
    memory: Amount = Field("0", description="Per MiB and block.")
    storage: PerClass = Field(
        {},
        description="Per MiB, block and class, also as 0.00016,beta2=0.0002; a class without a price gets no bid.",
    )
    endpoint: Amount = Field("0", description="Per endpoint, replica and block.")
    ip: Amount = Field("0", description="Per leased address and block.")
    gpu: Amount | None = Field(None, description="Per card and block; empty declines orders with GPUs.")


class HttpSettings(_Part):
    url: str = Field("", pattern=r"^(https?://\S+)?$", description="Address of the service that is asked by POST.")
    timeout_s: float = Field(5, gt=0, le=300, description="An answer that takes longer is no answer.")
    at_once: int = Field(32, ge=1, le=1000, description="Questions asked at the same time.")
    token_file: Path | None = Field(None, description="File with a bearer token; re-read when it changes.")
    ca_file: Path | None = Field(None, description="PEM with the authorities to trust, in place of the system's.")
    denoms: Denoms = Field(("uact", "uakt"), description=_DENOMS)
