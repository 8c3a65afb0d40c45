"""`akp price from-go`: the prices of the Go provider's chart as a price file of ours."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bidengine.from_go import prices_from_go
from manifests.errors import Invalid
from provider.errors import ConfigError


def from_go(
    values: Annotated[
        Path, typer.Argument(metavar="VALUES", help="The chart's values.yaml, or lines of NAME=value; -.")
    ],
) -> None:
    """Print a price file with the prices that the Go provider's chart was given."""
    where = "standard input" if str(values) == "-" else str(values)
    try:
        text = sys.stdin.read() if str(values) == "-" else values.read_text()
        found = prices_from_go(text)
    except OSError as bad:
        raise ConfigError(where, bad.strerror or "cannot be read", "Give the path of a readable file.") from None
    except UnicodeDecodeError:
        raise ConfigError(where, "is not text", "Give the chart's values.yaml.") from None
    except Invalid as bad:
        raise ConfigError(where, str(bad), "Mend the value.") from None
    print(found, end="")
