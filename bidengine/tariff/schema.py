"""The price file's keys and what may stand behind each, as an operator writes them; units are part of the names."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from bidengine.autoprice import AutoMode
from bidengine.tariff.cards import card_key
from bidengine.typed_file import Part
from manifests.bech32 import decode
from manifests.coins import E18, parse_decimal

HUNDRED = 100 * E18
_CLASS = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.ASCII)
_DENOM = re.compile(r"[a-zA-Z][a-zA-Z0-9/:._-]{2,127}", re.ASCII)
_MOST_E18 = 10**9 * E18


def _number(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError("a number is expected, e.g. 1.60")
    if len(value) > 40:
        raise ValueError(f"{value[:12]}… has {len(value)} characters, which is no number anybody means")
    amount = parse_decimal(value)
    if amount < 0:
        raise ValueError("cannot be negative; write 0 or more")
    if amount > _MOST_E18:
        raise ValueError("cannot be more than a thousand million")
    return amount


def _positive(amount: int) -> int:
    if not amount:
        raise ValueError("cannot be 0; leave the key out instead")
    return amount


def _below_hundred(amount: int) -> int:
    if amount >= HUNDRED:
        raise ValueError("must be below 100 percent")
    return amount


def _whole(value: object) -> int:
    amount = _number(value)
    if amount % E18:
        raise ValueError("a whole number is expected")
    return amount // E18


def _class_key(key: str) -> str:
    if _CLASS.fullmatch(key) is None:
        raise ValueError("a storage class is a lower-case name, or ephemeral, or ram")
    return key


def _gpu_key(key: str) -> str:
    card_key(key)
    return key


def _model_key(key: str) -> str:
    found = card_key(key)
    if key != "*" and ("*" in (found.vendor, found.model) or found.named > 2):
        raise ValueError('auto-pricing knows cards by vendor/model, or "*" for all others')
    return key


def _denom(key: str) -> str:
    if _DENOM.fullmatch(key) is None:
        raise ValueError("a denomination is e.g. uact, uakt or ibc/ and 64 hex digits, as the chain writes it")
    return key


def _address(key: str) -> str:
    try:
        prefix, data = decode(key)
    except ValueError as bad:
        raise ValueError(f"an account is expected: {bad}") from None
    if prefix != "akash" or len(data) not in (20, 32):
        raise ValueError("an account of this chain is expected, akash1…")
    return key


def _auditor(key: str) -> str:
    return key if key == "*" else _address(key)


Amount = Annotated[int, BeforeValidator(_number)]
"""×10^18"""
Positive = Annotated[int, BeforeValidator(_number), AfterValidator(_positive)]
Percent = Annotated[int, BeforeValidator(_number)]
"""×10^18: 20 is 20·10^18"""
PartPercent = Annotated[int, BeforeValidator(_number), AfterValidator(_below_hundred)]
Whole = Annotated[int, BeforeValidator(_whole)]
Gpus = Annotated[dict[Annotated[str, AfterValidator(_gpu_key)], Amount], Field(max_length=1000)]
Classes = dict[Annotated[str, AfterValidator(_class_key)], Amount]


class Rates(Part):
    """What one unit of a thing costs. Which of them must be there is decided when month and hour are put together."""

    cpu: Amount | None = None
    memory_gib: Amount | None = Field(None, alias="memoryGiB")
    storage_gib: Classes | None = Field(None, alias="storageGiB")
    gpu: Gpus = Field({})
    endpoint: Amount | None = None
    ip: Amount | None = None


class CostRates(Part):
    cpu: Amount | None = None
    memory_gib: Amount | None = Field(None, alias="memoryGiB")
    storage_gib: Classes | None = Field(None, alias="storageGiB")
    gpu: Gpus = Field({})


class Watts(Part):
    cpu: Amount = 0
    gpu: Gpus = Field({})


class Costs(Part):
    usd_per_kwh: Amount | None = Field(None, alias="usdPerKwh")
    watts: Watts | None = None
    usd_per_month: CostRates = Field(CostRates(), alias="usdPerMonth")
    usd_per_hour: CostRates = Field(CostRates(), alias="usdPerHour")
    fees_usd_per_lease: Amount = Field(0, alias="feesUsdPerLease")
    expected_lease_hours: Annotated[Whole, AfterValidator(_positive)] = Field(24, alias="expectedLeaseHours")
    margin_percent: Percent = Field(0, alias="marginPercent")


class Priced(Part):
    """What prices a lease, for everybody or for one tenant."""

    usd_per_month: Rates = Field(Rates(), alias="usdPerMonth")
    usd_per_hour: Rates = Field(Rates(), alias="usdPerHour")
    minimum_usd_per_month: Amount | None = Field(None, alias="minimumUsdPerMonth")
    minimum_usd_per_hour: Amount | None = Field(None, alias="minimumUsdPerHour")


class Owner(Priced):
    discount_percent: PartPercent | None = Field(None, alias="discountPercent")
    markup_percent: Percent | None = Field(None, alias="markupPercent")


class Multipliers(Part):
    attributes: dict[str, dict[str, Positive]] = Field({})
    signed_by: dict[Annotated[str, AfterValidator(_auditor)], Positive] = Field({}, alias="signedBy")


class Notice(Part):
    percent_per_hour: Percent | None = Field(None, alias="percentPerHour")
    usd_per_month_per_hour: Amount | None = Field(None, alias="usdPerMonthPerHour")


class Coin(Part):
    enabled: Literal["true", "false"] = "true"
    usd: Positive | None = None
    oracle: Annotated[str, Field(pattern=r"^[a-zA-Z0-9/:._-]{1,127}$")] | None = None
    fallback_usd: Positive | None = Field(None, alias="fallbackUsd")
    max_age_seconds: Annotated[Whole, AfterValidator(_positive)] | None = Field(None, alias="maxAgeSeconds")
    haircut_percent: PartPercent = Field(0, alias="haircutPercent")


class Aim(Part):
    target_percent: PartPercent = Field(alias="targetPercent")
    lowest_percent: Positive = Field(alias="lowestPercent")
    highest_percent: Positive = Field(alias="highestPercent")


class Auto(Part):
    mode: AutoMode
    step_percent: Annotated[PartPercent, AfterValidator(_positive)] = Field(2 * E18, alias="stepPercent")
    tolerance_percent: PartPercent = Field(5 * E18, alias="tolerancePercent")
    undercut_percent: PartPercent = Field(E18, alias="undercutPercent")
    cool_down_blocks: Annotated[Whole, AfterValidator(_positive)] = Field(600, alias="coolDownBlocks")
    cpu: Aim | None = None
    gpu: dict[Annotated[str, AfterValidator(_model_key)], Aim] = Field({})


class File(Priced):
    currency: Literal["uact"] | None = None
    currencies: dict[Annotated[str, AfterValidator(_denom)], Coin] | None = None
    owners: dict[Annotated[str, AfterValidator(_address)], Owner] = Field({})
    multipliers: Multipliers = Multipliers()
    reclamation: Notice = Notice()
    floor: Costs = Costs()
    auto_price: Auto | None = Field(None, alias="autoPrice")
