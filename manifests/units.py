"""Quantities as text: Kubernetes' (`10Gi`, `500m`) and the SDL's own (`0.5`, `1.5Gi`), to and from integers.

The two grammars look alike and are not: Kubernetes computes exactly and rounds up, an SDL is computed in IEEE doubles
and cut towards zero (`1.005` cpu is 1004 millicpu), and both ends of a market must do the same to agree on a hash
(sdl-manifest.md §5.1). Every parser raises ValueError with a sentence that says what is allowed."""

from __future__ import annotations

import re
from fractions import Fraction

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40
MAX_NUMBER_TEXT = 1024
"""Longer numbers are refused unread; no quantity needs a tenth of it."""

_BINARY = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50, "Ei": 1 << 60}
_DECIMAL = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_SMALL = {"n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000)}

_QUANTITY = re.compile(r"([+-]?)([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,3})?", re.ASCII)
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_HEX_FLOAT = re.compile(r"[+-]?0[xX]([0-9a-fA-F]+(\.[0-9a-fA-F]*)?|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+", re.ASCII)
_HEX_GAP = re.compile(r"(?<=[0-9a-fA-FxX])_(?=[0-9a-fA-F])", re.ASCII)
_SIZE_HELP = "expected a number with k, Ki, M, Mi, G, Gi, T, Ti, P, Pi, E, Ei or nothing behind it, like 512Mi"


def parse_quantity(text: str) -> int:
    """A Kubernetes quantity as whole units, rounded away from zero: "10Gi" -> 10737418240, "1500m" -> 2, "1e3" ->
    1000."""
    return _rounded_up(_exact(text))


def parse_cpu_milli(text: str) -> int:
    """A Kubernetes cpu quantity in thousandths, rounded away from zero: "500m" -> 500, "1.5" -> 1500, "100u" -> 1."""
    return _rounded_up(_exact(text) * 1000)


def format_bytes(quantity_bytes: int) -> str:
    """Kubernetes' binary form, exact: 10737418240 -> "10Gi", 1000 -> "1000"."""
    return _with_suffix(quantity_bytes, _BINARY)


def format_count(count: int) -> str:
    """Kubernetes' decimal form, exact: 1000000000 -> "1G", 536870912 -> "536870912"."""
    return _with_suffix(count, _DECIMAL)


def format_cpu_milli(cpu_milli: int) -> str:
    """500 -> "500m", 2000 -> "2"."""
    return f"{cpu_milli}m" if cpu_milli % 1000 else format_count(cpu_milli // 1000)


def shown_bytes(quantity_bytes: int) -> str:
    """For people, rounded to two digits: 1610612736 -> "1.5 GiB"."""
    for suffix, factor in reversed(_BINARY.items()):
        if abs(quantity_bytes) >= factor:
            return f"{quantity_bytes / factor:.2f}".rstrip("0").rstrip(".") + f" {suffix}B"
    return f"{quantity_bytes} B"


def sdl_cpu_milli(text: str) -> int:
    """`cpu.units` of an SDL in millicpu: "0.5" -> 500, "100m" -> 100, "1.005" -> 1004."""
    if text.endswith("m"):
        return _unsigned(text[:-1], f"{text!r} is not a cpu amount: expected whole millicpu before the m, like 500m")
    value = _float(text, f"{text!r} is not a cpu amount: expected cpus like 0.5, or millicpu like 500m")
    return _cut(text, value * 1000)


def sdl_bytes(text: str) -> int:
    """A size in an SDL in bytes: "512Mi" -> 536870912, "1.5Gi" -> 1610612736, "0.1Gi" -> 107374182, "1G" ->
    1000000000."""
    return _sized(text, _BINARY | _DECIMAL, f"{text!r} is not a size: {_SIZE_HELP}")


def sdl_gpu_ram_bytes(text: str) -> int:
    """`ram` of a GPU model: as sizes, but only with the binary suffixes."""
    size = _sized(text, _BINARY, f"{text!r} is not a memory size of a GPU: expected a size like 80Gi")
    if size >= 1 << 64:  # the reference's number overflows here, and differently on different machines
        raise ValueError(f"{text!r} is too large")
    return size


def sdl_gpu_units(text: str) -> int:
    """`gpu.units`: decimal digits only."""
    return _unsigned(text, f"{text!r} is not a number of GPUs: expected a whole number like 1")


def _exact(text: str) -> Fraction:
    m = _QUANTITY.fullmatch(text) if len(text) <= MAX_NUMBER_TEXT else None
    if m is None:
        raise ValueError(f"{text[:40]!r} is not a Kubernetes quantity; expected something like 10Gi, 500m or 1.5")
    sign, number, suffix = m.groups()
    whole, _, part = number.partition(".")
    value = Fraction(int((whole + part) or "0"), 10 ** len(part))
    if suffix and suffix[0] in "eE" and len(suffix) > 1 and suffix != "Ei":
        value *= Fraction(10) ** int(suffix[1:])
    elif suffix:
        value *= _SMALL.get(suffix) or _BINARY.get(suffix) or _DECIMAL[suffix]
    return -value if sign == "-" else value


def _rounded_up(value: Fraction) -> int:
    return -(-value.numerator // value.denominator) if value >= 0 else value.numerator // value.denominator


def _with_suffix(value: int, factors: dict[str, int]) -> str:
    for suffix, factor in reversed(factors.items()):
        if value and value % factor == 0:
            return f"{value // factor}{suffix}"
    return str(value)


def _sized(text: str, factors: dict[str, int], help_: str) -> int:
    suffix = next((s for s in factors if text.endswith(s)), "")
    value = _float(text[: len(text) - len(suffix)], help_)
    return _cut(text, value * factors[suffix] if suffix else value)


def _unsigned(text: str, help_: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > MAX_NUMBER_TEXT or int(text) >= 1 << 32:
        raise ValueError(help_)
    return int(text)


def _float(text: str, help_: str) -> float:
    """A Go float literal (strconv.ParseFloat), without infinities and NaN, which no later step could accept."""
    if len(text) > MAX_NUMBER_TEXT:
        raise ValueError(f"the number {text[:40]}… has more than {MAX_NUMBER_TEXT} characters")
    plain = re.sub(r"(?<=[0-9])_(?=[0-9])", "", text)
    try:
        if _FLOAT.fullmatch(plain):
            value = float(plain)
        elif _HEX_FLOAT.fullmatch(hexadecimal := _HEX_GAP.sub("", text)):
            value = float.fromhex(hexadecimal)
        else:
            raise ValueError(help_)
    except OverflowError:
        raise ValueError(help_) from None
    if value in (float("inf"), float("-inf")):
        raise ValueError(help_)
    return value


def _cut(text: str, value: float) -> int:
    if value < 0:
        raise ValueError(f"{text!r} is negative")
    if value == float("inf"):
        raise ValueError(f"{text!r} is too large")
    return int(value)
