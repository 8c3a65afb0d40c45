"""`python -m e2e.replay FILE…`: what was compared, what was left out, the first differences; exit 1 on any, 2 when a
file cannot be read.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from e2e.replay import replay
from e2e.replay.recording import NotARecording


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m e2e.replay", description="Replay recordings of a real node.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a recording, .jsonl or .jsonl.gz")
    parser.add_argument("--genesis", type=Path, help="instead of the genesis that the recording names, beside it")
    parser.add_argument("--show", type=int, default=10, metavar="N", help="differences to print per file (10)")
    asked = parser.parse_args()
    differing = 0
    for file in asked.files:
        try:
            outcome = asyncio.run(replay(file, asked.genesis))
        except NotARecording as bad:
            print(f"{file}: {bad}", file=sys.stderr)
            return 2
        differing += len(outcome.differences)
        print(f"{file.name}: {outcome.report(asked.show)}")
    print(f"{len(asked.files)} file(s), {differing} item(s) differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
