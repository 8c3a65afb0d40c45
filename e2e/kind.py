"""`python -m e2e.kind up | down`: the cluster of users' CI, where there is Docker: kind, with the test image loaded.

`up` prints the variable that makes the life of examples/01 be lived there: `AKP_E2E_KUBECONFIG=… make test`. Without
Docker it is lived on the cluster of e2e.cluster, as are the lives that need more than kind brings: an ingress, volumes,
leased addresses, cards.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from e2e.cluster import cache, images

CONFIG = Path(__file__).with_name("kind.yaml")
NAME = "akp"
Run = Callable[[list[str]], None]


class KindMissing(Exception):
    """kind or Docker is not here; says which and what to install."""


def require(find: Callable[[str], str | None] = shutil.which) -> None:
    for program, cure in {
        "docker": "install Docker, or leave kind out: `make test` brings a cluster of its own",
        "kind": "go install sigs.k8s.io/kind@v0.33.0",
    }.items():
        if find(program) is None:
            raise KindMissing(f"there is no `{program}` on PATH: {cure}")


def up(run: Run, kubeconfig: Path, archive: Path) -> None:
    """Create the cluster if need be, and give its nodes the image that the examples name."""
    run(["kind", "create", "cluster", "--config", str(CONFIG), "--kubeconfig", str(kubeconfig), "--wait", "120s"])
    run(["kind", "load", "image-archive", str(archive), "--name", NAME])


def down(run: Run, kubeconfig: Path) -> None:
    run(["kind", "delete", "cluster", "--name", NAME, "--kubeconfig", str(kubeconfig)])


def main(args: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m e2e.kind", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["up", "down"])
    chosen = parser.parse_args(args)
    kubeconfig = cache.root() / "kind.kubeconfig"
    try:
        require()
        if chosen.what == "up":
            archive = cache.images() / "web.tar"
            images.write(next(i for i in images.standard() if i.ref == images.WEB), archive)
            up(_run, kubeconfig, archive)
            print(f"AKP_E2E_KUBECONFIG={kubeconfig}")
        else:
            down(_run, kubeconfig)
    except (KindMissing, subprocess.CalledProcessError) as bad:
        print(f"kind: {bad}", file=sys.stderr)
        return 1
    return 0


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
