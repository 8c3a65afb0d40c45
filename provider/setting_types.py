"""What settings may hold that end up in Kubernetes objects or in DNS: names, keys, sizes, addresses.

Each is checked at start, because the cluster would refuse a wrong one only when a lease is deployed, or take it and do
nothing. The chart's schema has the patterns, which are a little wider than the checks.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from manifests.hostnames import MAX_HOSTNAME, is_hostname
from manifests.units import parse_quantity

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_SUBDOMAIN_ANY_CASE = _SUBDOMAIN.replace("a-z", "a-zA-Z")
_KEY_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"
_KEY = rf"({_SUBDOMAIN}/)?{_KEY_NAME}"
_ANNOTATION = rf"({_SUBDOMAIN_ANY_CASE}/)?{_KEY_NAME}"
_BLOCKED = rf"(\*?\.)?{_SUBDOMAIN_ANY_CASE}"
_GENERATED = 27
"""Characters of a generated host name before its domain, the dot included."""
LEAST_DISK_BYTES = 10**6
BANDWIDTH_BITS = 1000, 10**15
"""What Kubernetes takes for a pod's bandwidth; pods with less or more are not started."""

_CAPABILITIES = """
ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH
FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN
NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT
SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM
"""
CAPABILITIES = tuple(_CAPABILITIES.split())
"""Linux's, and all of them at once. A runtime may take one that it does not know without a word."""


def _fitting(pattern: str, most: int, what: str) -> Callable[[str], str]:
    """A check by a pattern, with a sentence for people. In Kubernetes a part before `/` may have 253 characters by
    itself."""
    compiled = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        prefix, _, rest = text.rpartition("/")
        if compiled.fullmatch(text) is None or len(rest) > most or len(prefix) > MAX_HOSTNAME:
            raise ValueError(f"{text[:100]!r} is not {what}")
        return text

    return check


def _optional(check: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: check(text) if text else text


def _schema(pattern: str, *, optional: bool = False) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})?$" if optional else f"^{pattern}$"})


def _domain(text: str) -> str:
    if not text:
        return text
    if not is_hostname(text) or is_address(text):
        raise ValueError(f"{text[:100]!r} is not a domain: lower-case names with dots between, as in apps.example.com")
    if len(text) > MAX_HOSTNAME - _GENERATED:
        raise ValueError(
            f"a domain of more than {MAX_HOSTNAME - _GENERATED} characters leaves no room for names under it"
        )
    return text


def _host(text: str) -> str:
    if text and not is_hostname(text.lower()) and not is_address(text):
        raise ValueError(f"{text[:100]!r} is not a host name or address: no scheme, no port, no dot at its end")
    return text


def _blocked(text: str) -> str:
    name = text.strip().lower()
    if not is_hostname(name[2:] if name.startswith("*.") else name.removeprefix(".")):
        raise ValueError(
            f"{text[:100]!r} would match no name: write bad.example, .bad.example or *.bad.example, others than ASCII"
            " letters as xn--"
        )
    return text


def _api_server(text: str) -> str:
    address, _, port = text.rpartition(":")
    if not is_address(address.strip("[]")) or (":" in address) is not address.startswith("["):
        raise ValueError(f"{text[:100]!r} is not an address and a port, as in 10.0.0.1:6443 or [fd00::1]:6443")
    if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise ValueError(f"{port[:100]!r} is not a port: 1 to 65535")
    return text


def _address(text: str) -> str:
    if not is_address(text):
        raise ValueError(f"{text[:100]!r} is not an address such as 169.254.20.10")
    return text


def is_address(text: str) -> bool:
    if "%" in text:  # an interface of this machine
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _capacity(text: str) -> str:
    if parse_quantity(text) < 0:
        raise ValueError(f"{text!r} is less than nothing")
    return text


def _disk(text: str) -> str:
    if text and parse_quantity(text) < LEAST_DISK_BYTES:
        raise ValueError(f"{text!r} is less than 1M, with which no container lives; empty sets no limit")
    return text


def _bandwidth(text: str) -> str:
    least, most = BANDWIDTH_BITS
    if text and not least <= parse_quantity(text) <= most:
        raise ValueError(f"{text!r} is not between 1k and 1P bits per second, and pods with it would not start")
    return text


def _capability(text: str) -> str:
    if text not in CAPABILITIES:
        raise ValueError(f"{text[:100]!r} is no capability of Linux: write it like NET_RAW, without CAP_")
    return text


_QUANTITY = r"\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,3})?"
_name = _fitting(_SUBDOMAIN, 253, "a name of Kubernetes: lower-case letters, digits, - and . inside")
_namespace = _fitting(_LABEL, 63, "a namespace: at most 63 lower-case letters, digits and - inside")
_key = _fitting(_KEY, 63, "a key of Kubernetes, as in example.com/name: no value, no effect, no blanks")
_annotation = _fitting(_ANNOTATION, 63, "the key of an annotation, as in example.com/name")

Name = Annotated[str, AfterValidator(_name), _schema(_SUBDOMAIN)]
MaybeName = Annotated[str, AfterValidator(_optional(_name)), _schema(_SUBDOMAIN, optional=True)]
Namespace = Annotated[str, AfterValidator(_namespace), _schema(_LABEL)]
QualifiedKey = Annotated[str, AfterValidator(_key), _schema(_KEY)]
MaybeKey = Annotated[str, AfterValidator(_optional(_key)), _schema(_KEY, optional=True)]
AnnotationKey = Annotated[str, AfterValidator(_annotation), _schema(_ANNOTATION)]
Domain = Annotated[str, AfterValidator(_domain), _schema(_SUBDOMAIN, optional=True)]
Host = Annotated[str, AfterValidator(_host), _schema(rf"({_SUBDOMAIN_ANY_CASE}|[0-9a-fA-F:.]+)", optional=True)]
Blocked = Annotated[str, AfterValidator(_blocked), _schema(rf"\s*{_BLOCKED}\s*")]
ApiServer = Annotated[str, AfterValidator(_api_server), _schema(r"([0-9.]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}")]
Address = Annotated[str, AfterValidator(_address), _schema(r"[0-9a-fA-F:.]+")]
Capacity = Annotated[str, AfterValidator(_capacity), _schema(_QUANTITY)]
Disk = Annotated[str, AfterValidator(_disk), _schema(_QUANTITY, optional=True)]
Bandwidth = Annotated[str, AfterValidator(_bandwidth), _schema(_QUANTITY, optional=True)]
CapabilityName = Annotated[
    str, AfterValidator(_capability), WithJsonSchema({"type": "string", "enum": list(CAPABILITIES)})
]
