"""What the operator wants to serve and what not, as values: whom, how much, how old, which images. See policy_file.py
for how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bidengine.owners import Owners
from manifests.images import ImagePolicy
from manifests.resources import Attributes


class Amount(StrEnum):
    """What of a unit, or of a whole group, can be limited; the value is the key in the policy file."""

    REPLICAS = "replicas"
    CPU_MILLI = "cpuMilli"
    MEMORY_BYTES = "memoryGiB"
    """volumes in memory count here, not as storage"""
    STORAGE_BYTES = "storageGiB"
    GPUS = "gpus"
    ENDPOINTS = "endpoints"
    LEASED_IPS = "ips"


@dataclass(frozen=True, slots=True)
class Range:
    """Both ends are allowed; None is no limit."""

    least: int | None = None
    most: int | None = None


Limits = Mapping[Amount, Range]


@dataclass(frozen=True, slots=True)
class Policy:
    denied: Owners = field(default_factory=dict)
    allowed: Owners | None = None
    """None: everybody; else only those on it, and nobody once they have all expired"""
    unknown: tuple[str, ...] = ()
    """lists that must be known before we bid, and have never been"""
    most_per_owner: int | None = None
    """orders of one tenant that we bid on or run at the same time"""
    order_attributes: Attributes = ()
    """only orders that ask for all of these"""
    max_order_age_s: int | None = None
    max_order_age_blocks: int | None = None
    unit: Limits = field(default_factory=dict)
    """one replica of a unit, and how many replicas it has"""
    group: Limits = field(default_factory=dict)
    """all replicas of all units"""
    images: ImagePolicy = field(default_factory=ImagePolicy)
