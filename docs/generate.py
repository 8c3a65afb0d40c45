"""`python docs/generate.py`: writes docs/settings.md from the settings themselves, so the page cannot fall behind."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from provider.settings import Settings

PAGE = Path(__file__).with_name("settings.md")
HEAD = """\
# Settings

Made from `provider/settings.py` by `python docs/generate.py`.

Sources, strongest first: command-line flags, the environment, the YAML file given with `--config`. In the environment a
setting is `AKP_` and its path with two underscores between parts, e.g. `AKP_CHAIN__ID=akashnet-2`. An unknown key is an
error.
"""


def page() -> str:
    """The whole page, one table per section."""
    out = [HEAD]
    plain = []
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            out.append(f"\n## {name}\n")
            out.extend(_table(field.annotation.model_fields, f"{name}."))
        else:
            plain.append((name, field))
    out.append("\n## The rest\n")
    out.extend(_table(dict(plain), ""))
    return "\n".join(out) + "\n"


def _table(fields: dict[str, FieldInfo], prefix: str) -> list[str]:
    return ["| setting | type | default | |", "|---|---|---|---|", *_rows(fields, prefix)]


def _rows(fields: dict[str, FieldInfo], prefix: str) -> Iterator[str]:
    """A part of a section comes where it stands, with its own path."""
    for name, f in fields.items():
        if isinstance(f.annotation, type) and issubclass(f.annotation, BaseModel):
            yield from _rows(f.annotation.model_fields, f"{prefix}{name}.")
        else:
            yield f"| `{prefix}{name}` | {_type(f.annotation)} | {_default(f)} | {f.description or ''} |"


def _type(kind: Any) -> str:
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _type(args[0])
    if origin is Literal:
        return " or ".join(f"`{a}`" for a in args)
    if origin in (Union, type(int | str)):
        return " or ".join(_type(a) for a in args if a is not NoneType)
    if origin is tuple:
        return f"list of {_type(args[0])}"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"{{{', '.join(kind.model_fields)}}}"
    if origin is dict:
        return f"map of {_type(args[0])} to {_type(args[1])}"
    return {int: "whole number", float: "number", bool: "true or false", str: "text", Path: "path"}.get(kind, str(kind))


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined or value is None or value in ("", (), {}):
        return ""
    if isinstance(value, dict):
        return f"`{', '.join(f'{key}: {v}' for key, v in value.items())}`"
    shown = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"`{shown.lower() if isinstance(value, bool) else shown}`"


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE} written\n")
