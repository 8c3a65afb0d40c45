"""A file that a command was told to write. Its directory must be there: one made by a slip of the hand would keep what
was looked for elsewhere."""

from __future__ import annotations

from pathlib import Path

from provider.errors import ConfigError
from provider.files import write_whole


def write_out(path: Path, text: str) -> None:
    """Whole or not at all; ConfigError names the file and why it cannot be written."""
    if not path.parent.is_dir():
        raise ConfigError(
            str(path), f"there is no directory {path.parent}", "Make it, or name another file with --out."
        )
    try:
        write_whole(path, text)
    except OSError as bad:
        raise ConfigError(str(path), bad.strerror or "cannot be written", "Name another file with --out.") from None
