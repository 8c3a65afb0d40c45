"""What of a lease cannot be reached from outside, and why: a value for the tenant's status, metrics and lists."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Why(StrEnum):
    IN_USE = "in-use"
    """another tenant has the host name"""
    ELSEWHERE = "elsewhere"
    """another lease of the same tenant has it, until that ends or gives it up, or the tenant migrates it"""
    BLOCKED = "blocked"
    """by the operator, or because it is the provider's own"""
    UNPROVEN = "unproven"
    """the tenant has not shown in DNS that the name is his"""
    REFUSED = "refused"
    """the API server, or a webhook of it, will not have the route"""
    UNAVAILABLE = "unavailable"
    """the API server or DNS does not answer"""
    NO_ADDRESS = "no-address"
    """a leased port waits for whoever gives out addresses"""
    CHANGED = "changed"
    """somebody changes the claim or the route each time it is made as rendered"""


@dataclass(frozen=True, slots=True)
class Waiting:
    kind: str
    """host or ip"""
    name: str
    """the host name, or of a leased port its claim's name"""
    why: Why
    text: str
    """for the tenant; names what it is about"""
