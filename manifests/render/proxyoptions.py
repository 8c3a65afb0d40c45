"""The tenant's HTTP options as words of a proxy: one reading of them for Ingresses and HTTPRoutes.

They end up in a proxy's configuration file, so only numbers and known words get through: a `next_cases` entry that is
not on the list is dropped, and an empty one (which stops the reference's operator, kubernetes.md §2.13) is nothing
special.
"""

from __future__ import annotations

from dataclasses import dataclass

from manifests.manifest import HttpOptions

_CONDITIONS = {"error", "timeout"}
_STATUSES = {"403", "404", "429", "500", "502", "503", "504"}
_LARGEST_PROXY_BUFFER_BYTES = 1 << 20
_DEFAULTS = HttpOptions()


@dataclass(frozen=True, slots=True)
class ProxyOptions:
    """Times in whole seconds, rounded up. `buffer` is empty when the tenant did not say."""

    body_bytes: int
    read_s: int
    send_s: int
    next_upstream: str
    next_tries: int
    next_s: int
    buffer: str


def proxy_options(options: HttpOptions) -> ProxyOptions:
    """A body limit of 0, as old manifests have it, stands for all defaults."""
    if options.max_body_size_bytes <= 0:
        options = _DEFAULTS
    buffer_bytes = min(options.proxy_buffer_size_bytes, _LARGEST_PROXY_BUFFER_BYTES)
    return ProxyOptions(
        body_bytes=options.max_body_size_bytes,
        read_s=_seconds(options.read_timeout_ms),
        send_s=_seconds(options.send_timeout_ms),
        next_upstream=_next_upstream(options.next_cases),
        next_tries=max(0, options.next_tries),
        next_s=_seconds(options.next_timeout_ms),
        buffer=f"{-(-buffer_bytes // 1024)}k" if buffer_bytes > 0 else "",
    )


def _next_upstream(cases: tuple[str, ...]) -> str:
    if "off" in cases:
        return "off"
    known = [c if c in _CONDITIONS else f"http_{c}" for c in cases if c in _CONDITIONS | _STATUSES]
    return " ".join(dict.fromkeys(known)) or " ".join(_DEFAULTS.next_cases)


def _seconds(milliseconds: int) -> int:
    return max(0, -(-milliseconds // 1000))
