"""A registry without any image, which says so in as many ways as there are: `python registry.py PORT`.

How it answers a pull is in the name of the image: `denied` may not be had, `busy` has had enough of us, `broken` is in
trouble itself, `foreign` is for another processor only, and of everything else there is no such tag.
"""

from __future__ import annotations

import hashlib
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ANSWERS = {
    "denied": (403, "DENIED", "requested access to the resource is denied"),
    "busy": (429, "TOOMANYREQUESTS", "You have reached your pull rate limit"),
    "broken": (500, "UNKNOWN", "unknown error"),
}
UNKNOWN = (404, "MANIFEST_UNKNOWN", "manifest unknown")


class Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.removeprefix("/v2/").partition("/")[0]
        if name == "foreign":
            return self._answer(200, INDEX, _foreign())
        status, code, message = ANSWERS.get(name, UNKNOWN)
        body = {"errors": [{"code": code, "message": message}]}
        return self._answer(status, "application/json", json.dumps(body).encode())

    do_HEAD = do_GET  # noqa: N815 - the base class's name

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if status == 200:
            self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(body).hexdigest()}")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def _foreign() -> bytes:
    """Of an image for one processor that none of our machines has."""
    digest = f"sha256:{hashlib.sha256(b'').hexdigest()}"
    entry = {"mediaType": MANIFEST, "digest": digest, "size": 2, "platform": {"architecture": "s390x", "os": "linux"}}
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Registry).serve_forever()
