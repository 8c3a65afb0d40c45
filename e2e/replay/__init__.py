"""Recorded blocks of a real node, replayed into the sandbox chain and compared line by line.

    python -m e2e.replay FILE…

The recordings' format is described beside them (../shared/conformance/chain/README.md). What is not compared, and why,
is said in left_out.py alone and counted in the output.
"""

from __future__ import annotations

from pathlib import Path

from e2e.replay.outcome import Outcome
from e2e.replay.recording import Recording
from e2e.replay.replay import Replay

__all__ = ["Outcome", "Recording", "Replay", "replay"]


async def replay(recording: Path, genesis: Path | None = None) -> Outcome:
    """Without a genesis, the one that the recording names, beside it."""
    return await Replay(Recording.load(recording, genesis)).run()
