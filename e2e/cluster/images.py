"""Container images made from files of this machine, because a test must not depend on a registry being reachable.

An image is an OCI archive: layer, config, manifest and index, each named by its hash. `containerd` imports it as if
pulled.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from e2e.cluster import cache

PAUSE = "registry.k8s.io/pause:3.10"
WEB = "docker.io/library/web:1"
SHELL = "docker.io/library/shell:1"
APPLETS = (
    "sh",
    "httpd",
    "sleep",
    "ls",
    "cat",
    "wget",
    "echo",
    "env",
    "id",
    "head",
    "tail",
    "date",
    "nslookup",
    "nc",
    "touch",
    "df",
    "mkdir",
    "rm",
    "hostname",
    "timeout",
)

# Waits for ever, leaves on SIGTERM and buries orphans: pid 1 of every pod, and of the node itself.
_PAUSE_C = """
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void leave(int s) { (void)s; _exit(0); }
static void bury(int s) { (void)s; while (waitpid(-1, 0, WNOHANG) > 0) {} }
int main(void) {
  signal(SIGTERM, leave); signal(SIGINT, leave); signal(SIGCHLD, bury);
  for (;;) pause();
}
"""


# Writes each start down in the volume, if there is one; listens on the other ports of the examples too; leaves at once
# when told to, which a first process does only if it says so.
_SERVE = """\
port=8080; [ "$1" = --listen ] && port=${2#:}
echo "$0 $*" > /tmp/command
[ -d /var/lib/data ] && echo "$(cat /proc/sys/kernel/random/uuid) started on $(hostname)" >> /var/lib/data/starts
for more in 5432 7778 8443; do httpd -p $more -h /www; done
echo "web is listening on $port"
httpd -f -v -p $port -h /www &
trap "exit 0" TERM
wait
"""
_PLAIN = 'printf "Content-Type: text/plain\\r\\n\\r\\n"; '
_SCRIPTS = {
    "bin/serve": _SERVE,
    "www/cgi-bin/env": f"{_PLAIN} env\n",
    "www/cgi-bin/command": f"{_PLAIN} cat /tmp/command\n",
    "www/cgi-bin/data": f"{_PLAIN} cat /var/lib/data/starts\n",
    "www/cgi-bin/peer": f'{_PLAIN} wget -q -O - "http://$QUERY_STRING/"\n',
}


@dataclass(frozen=True, slots=True)
class Image:
    """`files` maps a path in the image to its bytes, or to `-> target` for a symbolic link."""

    ref: str
    entrypoint: Sequence[str]
    files: Mapping[str, bytes | str]
    labels: Mapping[str, str] = field(default_factory=dict)
    env: Sequence[str] = ("PATH=/bin",)


def pause_binary() -> Path:
    """A static program; compiled once per version of its source."""
    digest = hashlib.sha256(_PAUSE_C.encode()).hexdigest()[:16]
    program = cache.images() / f"pause-{digest}"
    with cache.lock("pause"):
        if not program.exists():
            source = program.with_suffix(".c")
            source.write_text(_PAUSE_C)
            partial = program.with_suffix(".partial")
            subprocess.run(["gcc", "-O2", "-static", "-o", partial, source], check=True, capture_output=True)
            partial.rename(program)
    return program


def standard() -> list[Image]:
    """What every kubelet cluster has: the pause image and a small web server with a shell."""
    return [Image(PAUSE, ["/pause"], {"pause": pause_binary().read_bytes()}), web()]


def web(ref: str = WEB) -> Image:
    """A web server that shows what it was given: `/cgi-bin/env`, `command`, `data`, and what `peer?HOST:PORT` says."""
    return Image(ref, ["/bin/serve"], {
        **commands(),
        **{path: f"#!/bin/sh\n{script}".encode() for path, script in _SCRIPTS.items()},
        "bin/server": "-> serve",
        "www/index.html": b"hello\n",
    })  # fmt: skip


def shell() -> Image:
    """Runs a script handed to it."""
    return Image(SHELL, ["/bin/sh"], commands())


def commands() -> dict[str, bytes | str]:
    """Files of a shell and the few programs scripts here use."""
    busybox = Path(shutil.which("busybox", path="/bin:/usr/bin") or "/bin/busybox").read_bytes()
    return {"bin/busybox": busybox} | {f"bin/{name}": "-> busybox" for name in APPLETS}


def write(image: Image, archive: Path) -> None:
    """Write the OCI archive."""
    layer = _layer(image.files)
    config = _json(
        {
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {"Entrypoint": list(image.entrypoint), "Env": list(image.env), "Labels": dict(image.labels)},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
        }
    )
    entry = _descriptor("application/vnd.oci.image.manifest.v1+json", manifest)
    entry["annotations"] = {
        "io.containerd.image.name": image.ref,
        "org.opencontainers.image.ref.name": image.ref.rpartition(":")[2],
    }
    index = _json({"schemaVersion": 2, "manifests": [entry]})
    with tarfile.open(archive, "w") as out:
        _add(out, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _add(out, "index.json", index)
        for blob in (layer, config, manifest):
            _add(out, f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}", blob)


def _layer(files: Mapping[str, bytes | str]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as out:
        for folder in ("tmp", "etc", "www"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            out.addfile(entry)
        for name, content in files.items():
            if isinstance(content, str):
                entry = tarfile.TarInfo(name)
                entry.type, entry.linkname = tarfile.SYMTYPE, content.removeprefix("-> ")
                out.addfile(entry)
            else:
                _add(out, name, content, mode=0o755)
    return raw.getvalue()


def _add(out: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    out.addfile(entry, io.BytesIO(content))


def _descriptor(media_type: str, blob: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
