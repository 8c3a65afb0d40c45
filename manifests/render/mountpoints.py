"""Where in a container a tenant may have a volume appear.

A volume over a file of the image is the tenant's own affair. Not so the kernel's file systems: runtimes refuse them,
after having been fooled by them (CVE-2025-31133 and its like), and the pod would never start. `/dev/shm` is the one
ordinary exception.
"""

from __future__ import annotations

import posixpath

KERNEL = ("/proc", "/sys", "/dev")
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a name in the tenant's container
TOKENS = "/var/run/secrets/kubernetes.io"
"""Where the kubelet puts a service account's token."""
LONGEST = 1024


def mount_trouble(path: str) -> str:
    """Why nothing can be mounted at `path`, as the rest of a sentence; "" when it can. At the root, where the image
    is, nothing is mounted at all (storage.py)."""
    if path in ("", "/"):
        return ""
    if not path.startswith("/"):
        return "is no absolute path; begin it with /"
    if len(path) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if ":" in path:
        return "has a colon in it"
    if ".." in path.split("/"):
        return "leads upwards; write the path without .."
    if any(ord(char) < ord(" ") for char in path):
        return "has a control character in it"
    plain = posixpath.normpath("/" + path.lstrip("/"))
    if plain == "/":
        return "is the root written otherwise, where the image is"
    if plain != SHARED_MEMORY and any(_within(plain, system) for system in KERNEL):
        return "is the kernel's; choose another path (of those only /dev/shm can be a volume)"
    if _within(plain, TOKENS) or _within(f"/var{plain}", TOKENS):  # /var/run is a link to /run in most images
        return "is where Kubernetes keeps tokens; choose another path"
    return ""


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")
