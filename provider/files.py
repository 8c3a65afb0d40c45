"""Files written whole or not at all: a reader, and a process killed half-way, see the old text or the new one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Replaces what was there, keeping its mode; makes missing directories. OSError as the system says it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    real = path.resolve()  # a link stays one
    handle, temporary = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        Path(temporary).chmod(real.stat().st_mode & 0o777 if real.exists() else 0o644)
        Path(temporary).replace(real)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
