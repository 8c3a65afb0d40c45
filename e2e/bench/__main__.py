"""`python -m e2e.bench catchup|leases|ledger|orders|pack|screen|sdl [OPTION …]`: one benchmark, printed as JSON."""

from __future__ import annotations

import importlib
import sys

SUBJECTS = {
    "catchup": "10,000 heights read, applied and booked",
    "leases": "500 leases on 1,000 simulated nodes: calls, time, memory",
    "ledger": "what a block costs the ledger while 10,000 leases run",
    "orders": "a burst of orders, from one block to the last bid on chain",
    "pack": "placing orders on 1,000 nodes with 8,000 GPUs",
    "screen": "judging 5,000 open orders by every rule",
    "sdl": "SDL files a second, beside the official TypeScript SDK",
}


def main() -> int:
    subject = sys.argv[1] if len(sys.argv) > 1 else ""
    if subject not in SUBJECTS:
        print("python -m e2e.bench SUBJECT [OPTION …]", *(f"  {k:<7} {v}" for k, v in SUBJECTS.items()), sep="\n")
        return 2
    del sys.argv[1]
    return importlib.import_module(f"e2e.bench.{subject}").main() or 0


if __name__ == "__main__":
    sys.exit(main())
