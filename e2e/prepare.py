"""`python -m e2e.prepare`: builds and installs what the tests against real programs need, once, with progress shown.

`make test` calls it first, so that no test spends its time building. What cannot be had here is said by name; the tests
that need it then skip, saying the same.
"""

from __future__ import annotations

import sys

from e2e import sdk, tools
from e2e.cluster import addons, build, packages, require


def main() -> int:
    for nodes in ("kwok:1", "kubelet"):
        reason = require(nodes)
        if reason:
            print(f"no real cluster with {nodes} here, its tests will be skipped: {reason}", file=sys.stderr)
            continue
        build.binaries(kwok=nodes.startswith("kwok"))
        if nodes == "kubelet":
            packages.install()
            addons.prepare()
    for name in tools.PACKAGES:
        try:
            tools.ensure(name)
        except tools.ToolMissing as missing:
            print(f"no {name} here, the chart's tests will be skipped: {missing}", file=sys.stderr)
    try:
        sdk.installed()
    except sdk.SdkMissing as missing:
        print(f"no TypeScript SDK here, the comparisons with it will be skipped: {missing}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
