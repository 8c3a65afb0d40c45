"""How commands show what they found: a table for people, JSON, YAML or CSV for machines, from the same rows.

A row holds everything; a table shows the columns it names. In CSV an object has a column for each of its names, such as
`gross.uact`, as far as a row has it; a list is JSON.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import typer
import yaml
from rich.console import Console
from rich.table import Column, Table

Output = Literal["table", "json", "yaml", "csv"]
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="table for people, the others for machines.")]
Row = Mapping[str, Any]


def show(rows: Sequence[Row], output: Output, columns: Mapping[str, str], *, nothing: str = "nothing found") -> None:
    """`columns`: title in the table -> key of the row."""
    match output:
        case "json":
            print(json.dumps(rows, indent=2, ensure_ascii=False))
        case "yaml":
            print(yaml.safe_dump([dict(row) for row in rows], allow_unicode=True, sort_keys=False), end="")
        case "csv":
            writer = csv.DictWriter(sys.stdout, _names(rows) if rows else list(columns.values()), extrasaction="ignore")
            writer.writeheader()
            writer.writerows(map(_flat, rows))
        case "table":
            if not rows:
                print(nothing, file=sys.stderr)
                return
            table = Table(*(Column(title, no_wrap=not at) for at, title in enumerate(columns)), box=None)
            for row in rows:
                table.add_row(*(_shown(row.get(key)) for key in columns.values()))
            # An id that is cut short cannot be pasted into another command: rather let the terminal wrap the line.
            Console(width=max(Console().width, 220), highlight=False, markup=False).print(table)


def structured(found: Any, output: Literal["json", "yaml"]) -> None:
    """One object, not a list of rows."""
    if output == "json":
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print(yaml.safe_dump(found, allow_unicode=True, sort_keys=False), end="")


def _names(rows: Sequence[Row]) -> list[str]:
    out: dict[str, list[str]] = {}
    for row in rows:
        for key, value in row.items():
            found = out.setdefault(key, [])
            if isinstance(value, Mapping):
                found.extend(name for name in (f"{key}.{part}" for part in value) if name not in found)
            elif value is not None and key not in found:
                found.append(key)
    return [name for key, parts in out.items() for name in parts or [key]]


def _flat(row: Row) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, Mapping):
            out.update({f"{key}.{part}": _cell(one) for part, one in value.items()})
        else:
            out[key] = _cell(value)
    return out


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping | list) else value


def _shown(value: Any) -> str:
    match value:
        case None:
            return ""
        case {"denom": denom, "amount": amount}:
            return f"{amount}{denom}"
        case Mapping():
            return ", ".join(f"{key} {amount}" for key, amount in value.items())
        case list():
            return ", ".join(map(_shown, value))
        case _:
            return str(value)
