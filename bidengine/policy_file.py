"""The policy file: whom and what to serve, in YAML, checked to the last key before it replaces the policy in force.

    owners:
      deny:
        entries: [{owner: akash1qyqszqgpqyqszqgpqyqszqgpqyqszqgplgve5x, until: 2027-01-01, reason: miner}]
        files: [/etc/akp/deny.txt]
        urls: [{url: "https://lists.example.com/deny.txt", refreshSeconds: 3600, required: false}]
    mostPerOwner: 20           # bids and leases of one tenant at a time
    orderAttributes: {region: us-west}
    maxOrderAgeSeconds: 3600
    limits:
      unit: {replicas: {max: 50}, cpuMilli: {min: 100, max: 32000}, memoryGiB: {max: 128}}
      group: {gpus: {max: 8}, storageGiB: {max: 4096}}
    images:
      allow: [docker.io, ghcr.io]
      deny: ["**/xmrig*"]
      digestRequired: false

Every key may be left out; an empty file is refused, so write {} for no policy. Lists named here are read by others.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from bidengine.owners import Entry, parse_owner, parse_time
from bidengine.policy import Amount, Limits, Policy, Range
from bidengine.typed_file import Part, parse
from manifests.coins import E18, parse_decimal
from manifests.images import ImagePolicy, valid_pattern
from manifests.resources import Attribute

_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class ListUrl:
    url: str
    refresh_s: int = 3600
    required: bool = False
    """no bids until it has been loaded once"""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the tenants of one list come from."""

    entries: tuple[Entry, ...] = ()
    files: tuple[str, ...] = ()
    urls: tuple[ListUrl, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyFile:
    rest: Policy
    """all that is not about lists of tenants"""
    deny: Sources
    allow: Sources | None


def parse_policy(text: str) -> PolicyFile:
    """Raises `Invalid` with the path of the key, what was found, and line and column where the file gives them."""
    file = parse(
        text, _File, empty="the policy file is empty; write {} if there is to be no policy", missing="is missing"
    )
    rest = Policy(
        most_per_owner=file.most_per_owner,
        order_attributes=tuple(Attribute(key, value) for key, value in file.order_attributes.items()),
        max_order_age_s=file.max_order_age_seconds,
        max_order_age_blocks=file.max_order_age_blocks,
        unit=file.limits.unit.taken(),
        group=file.limits.group.taken(),
        images=ImagePolicy(file.images.allow or (), file.images.deny, file.images.digest_required),
    )
    allow = file.owners.allow
    return PolicyFile(rest, file.owners.deny.taken(), allow.taken() if allow is not None else None)


def _gib(value: object) -> int:
    """Bytes, rounded down: 0.5 is 512 MiB."""
    if not isinstance(value, str):
        raise ValueError("a number of GiB is expected, e.g. 0.5")
    return int(Fraction(parse_decimal(value), E18) * _GIB)


def _pattern(text: str) -> str:
    if not valid_pattern(text):
        raise ValueError("a pattern is a registry like ghcr.io, or registry/repository like docker.io/library/*")
    return text


def _url(text: str) -> str:
    if not text.startswith(("https://", "http://")) or any(c.isspace() for c in text):
        raise ValueError("a list comes from an https:// or http:// address")
    return text


_Whole = Annotated[int, Field(ge=0)]
_Gib = Annotated[int, BeforeValidator(_gib), Field(ge=0)]
_Owner = Annotated[str, AfterValidator(parse_owner)]
_Time = Annotated[int, BeforeValidator(lambda text: parse_time(str(text)))]
_Patterns = tuple[Annotated[str, AfterValidator(_pattern)], ...]


class _Entry(Part):
    owner: _Owner
    until: _Time | None = None
    reason: str = ""


class _Url(Part):
    url: Annotated[str, AfterValidator(_url)]
    refresh_seconds: Annotated[int, Field(ge=60, alias="refreshSeconds")] = 3600
    required: bool = False


class _List(Part):
    entries: tuple[_Entry, ...] = ()
    files: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    urls: tuple[_Url, ...] = ()

    def taken(self) -> Sources:
        return Sources(
            tuple(Entry(e.owner, e.until, e.reason, "the policy file") for e in self.entries),
            self.files,
            tuple(ListUrl(u.url, u.refresh_seconds, u.required) for u in self.urls),
        )


def _names_somebody(found: _List) -> _List:
    if found == _List():
        raise ValueError("it names nobody, so nobody would be served; leave it out to serve everybody")
    return found


class _Owners(Part):
    deny: _List = _List()
    allow: Annotated[_List, AfterValidator(_names_somebody)] | None = None


class _Range(Part):
    min: _Whole | None = None
    max: _Whole | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max: nothing would pass")
        return self


class _RangeGib(_Range):
    min: _Gib | None = None
    max: _Gib | None = None


class _Limits(Part):
    replicas: _Range = _Range()
    cpu_milli: _Range = Field(_Range(), alias="cpuMilli")
    memory_gib: _RangeGib = Field(_RangeGib(), alias="memoryGiB")
    storage_gib: _RangeGib = Field(_RangeGib(), alias="storageGiB")
    gpus: _Range = _Range()
    endpoints: _Range = _Range()
    ips: _Range = _Range()

    def taken(self) -> Limits:
        """Only those that limit anything."""
        found = {
            Amount(field.alias or name): Range(getattr(self, name).min, getattr(self, name).max)
            for name, field in type(self).model_fields.items()
        }
        return {amount: limit for amount, limit in found.items() if limit != Range()}


class _UnitAndGroup(Part):
    unit: _Limits = _Limits()
    group: _Limits = _Limits()


class _Images(Part):
    allow: Annotated[_Patterns, Field(min_length=1)] | None = None  # an empty list would run nothing
    deny: _Patterns = ()
    digest_required: bool = Field(False, alias="digestRequired")


class _File(Part):
    owners: _Owners = _Owners()
    most_per_owner: Annotated[int, Field(ge=1)] | None = Field(None, alias="mostPerOwner")
    order_attributes: dict[str, str] = Field({}, alias="orderAttributes")
    max_order_age_seconds: _Whole | None = Field(None, alias="maxOrderAgeSeconds")
    max_order_age_blocks: _Whole | None = Field(None, alias="maxOrderAgeBlocks")
    limits: _UnitAndGroup = _UnitAndGroup()
    images: _Images = _Images()
