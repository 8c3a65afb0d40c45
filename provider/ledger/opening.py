"""What the journal's row says with which a lease begins: its rate and what it uses. Pure.

A span is no row of the journal; but since this text is, the chain of hashes vouches for each column of the span.
Earlier versions told the rate alone, so that of their spans nobody can vouch for more.
"""

from __future__ import annotations

from manifests.coins import DecCoin

Uses = tuple[int, int, int, str, str]
"""cpu_milli, memory_bytes, gpu_units, gpu_model, storage_json: columns of a span"""


def told(denom: str, rate_e18: str, uses: Uses) -> str:
    """Of columns as they are in the file, which somebody may have changed."""
    cpu_milli, memory_bytes, gpu_units, gpu_model, storage_json = uses
    cards = f"{gpu_units} gpus{f' ({gpu_model})' if gpu_model else ''}"
    computing = f"{cpu_milli}m cpu, {memory_bytes} bytes of memory, {cards}"
    return f"{_rate(denom, rate_e18)} for {computing}, storage {storage_json}"


def agrees(said: str, denom: str, rate_e18: str, uses: Uses) -> bool:
    return said in (told(denom, rate_e18, uses), _rate(denom, rate_e18))


def _rate(denom: str, rate_e18: str) -> str:
    readable = rate_e18.isascii() and rate_e18.isdigit()
    return f"{DecCoin(denom, int(rate_e18))} per block" if readable else f"the rate {rate_e18!r}"
