"""Pages of lists: the hand-written paging of the akash modules and the plain one of the SDK.

The akash `next_key` is CRC-32, the states still to visit, the current state, the next row's key and, when an index
was used, which one. It names the next row itself, so that nothing is skipped; filters must be repeated by the caller
(chain.md §1.13).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

from provider.chain.wire import message

from .errors import QueryError

DEFAULT_LIMIT = 100

Row = tuple[int, bytes, Any]
"""(state, key as bytes, what is listed)"""


def key_bytes(*parts: str | int, width: int = 4) -> bytes:
    """A key as the node writes it: text ends with a zero byte, the second part (dseq) has 8 bytes, other numbers
    `width`.
    """
    out = b""
    for at, part in enumerate(parts):
        if isinstance(part, str):
            out += part.encode() + b"\x00"
        else:
            out += part.to_bytes(8 if at == 1 else width, "big")
    return out


def akash_page(
    rows: Sequence[Row], request: Any, states: Sequence[int], *, by_state: bool, tail: bytes = b"", prefix: bytes = b""
) -> tuple[Any, list[Any]]:
    """(page response, items). Rows come in key order; `by_state` lists them state by state; `states` are those asked
    for, in order.
    """
    asked = request.pagination
    limit = asked.limit or DEFAULT_LIMIT
    wanted, start = list(states), None
    if by_state and asked.reverse:
        wanted.reverse()
    if asked.key:
        found_states, where, start_key, _ = read_key(asked.key)
        if by_state:
            wanted, start = found_states, (where[len(prefix)], start_key)
        else:
            start = (0, start_key)
    ordered = list(reversed(rows)) if asked.reverse else list(rows)
    if by_state:
        ordered = [row for state in wanted for row in ordered if row[0] == state]
    else:
        ordered = [row for row in ordered if row[0] in wanted]
    if start is not None:
        ordered = _from(ordered, start, by_state=by_state)
    elif asked.offset:
        ordered = ordered[asked.offset :]
    page, rest = ordered[:limit], ordered[limit:]
    answer = message("cosmos.base.query.v1beta1.PageResponse")(total=len(page))
    if rest:
        state, key, _ = rest[0]
        if by_state:
            left = wanted[wanted.index(state) :]
            answer.next_key = write_key(left, prefix + bytes([state]), key, tail)
        else:
            answer.next_key = write_key(wanted, prefix + bytes([wanted[0]]), key, tail)
    return answer, [item for _, _, item in page]


def sdk_page(rows: Sequence[tuple[bytes, Any]], request: Any, *, count: bool = True) -> tuple[Any, list[Any]]:
    """(page response, items) of the SDK's own paging: offset, raw keys, `total` only when counted. Lists with `count`
    are counted without being asked, too, when no limit is named.
    """
    asked = request.pagination
    counted = asked.count_total or (count and (not request.HasField("pagination") or asked.limit == 0))
    limit = asked.limit or DEFAULT_LIMIT
    if asked.offset and asked.key:
        raise QueryError("INVALID_ARGUMENT", "invalid request, either offset or key is expected, got both")
    ordered = list(reversed(rows)) if asked.reverse else list(rows)
    if asked.key:
        reached = [
            at for at, (key, _) in enumerate(ordered) if (key <= asked.key if asked.reverse else key >= asked.key)
        ]
        ordered = ordered[reached[0] :] if reached else []
        counted = False
    else:
        ordered = ordered[asked.offset :]
    page, rest = ordered[:limit], ordered[limit:]
    answer = message("cosmos.base.query.v1beta1.PageResponse")(total=len(rows) if counted else 0)
    if rest:
        answer.next_key = rest[0][0]
    return answer, [item for _, item in page]


def states_of(request_state: str, names: dict[str, int]) -> list[int]:
    """Which states a filter asks for; an empty one means all of them."""
    if not request_state:
        return [number for number in names.values() if number]
    if names.get(request_state, 0) == 0:
        raise QueryError("INVALID_ARGUMENT", "invalid state value")
    return [names[request_state]]


def refuse_offset(request: Any, state: str) -> None:
    if request.pagination.offset and not state:
        raise QueryError(
            "INVALID_ARGUMENT", "invalid request parameters. if offset is set, filter.state must be provided"
        )


def _from(rows: list[Row], start: tuple[int, bytes], *, by_state: bool) -> list[Row]:
    for at, (state, key, _) in enumerate(rows):
        if key == start[1] and (not by_state or state == start[0]):
            return rows[at:]
    return []


def write_key(states: Sequence[int], where: bytes, key: bytes, tail: bytes) -> bytes:
    body = bytes([len(states), *states, len(where)]) + where + bytes([len(key)]) + key
    if tail:
        body += bytes([len(tail)]) + tail
    return zlib.crc32(body).to_bytes(4, "big") + body


def read_key(data: bytes) -> tuple[list[int], bytes, bytes, bytes]:
    """(states still to visit, where the next row is, its key, what was added); the opposite of `write_key`."""
    told, body = int.from_bytes(data[:4], "big"), data[4:]
    found = zlib.crc32(body)
    if len(data) < 5 or told != found:
        raise QueryError("INVALID_ARGUMENT", f"pagination: invalid key: invalid checksum, 0x{told:x} != 0x{found:x}")
    count = body[0]
    parts, at = [], 1 + count
    while at < len(body):
        parts.append(body[at + 1 : at + 1 + body[at]])
        at += 1 + body[at]
    if len(parts) < 2 or not parts[0] or at != len(body):
        raise QueryError("INVALID_ARGUMENT", "pagination: invalid key: invalid data length")
    return list(body[1 : 1 + count]), parts[0], parts[1], parts[2] if len(parts) > 2 else b""
