"""Words with which kubelets, containerd and CRI-O say that an image could not be had, and what is lacking."""

from __future__ import annotations

import pytest

from provider.cluster.health.causes import TENANTS, Cause, Whose, cause
from provider.cluster.health.pulls import Keys, Lacks, lacks

TO = 'failed to pull and unpack image "ghcr.io/me/web:1": '
RESOLVE = TO + 'failed to resolve reference "ghcr.io/me/web:1": '
HEAD = RESOLVE + 'failed to do request: Head "https://ghcr.io/v2/me/web/manifests/1": '

IMAGE = {
    "a tag that is unknown": RESOLVE + "ghcr.io/me/web:1: not found",
    "a tag that is unknown, as CRI-O says it": "reading manifest 1 in docker.io/me/web: manifest unknown",
    "the same, as Docker says it": "manifest for me/web:1 not found: manifest unknown: manifest unknown",
    "a digest that is unknown": RESOLVE + f"ghcr.io/me/web@sha256:{'ab' * 32}: not found",
    "a repository that is unknown": "name unknown: repository name not known to registry",
    "the same, at a registry of GitLab": "repository r.example/a not found: does not exist or no pull access",
    "a registry's bare word": RESOLVE + "unexpected status code [manifests 1]: 404 Not Found",
    "a private image of Docker Hub": RESOLVE + "pull access denied, repository does not exist or may require "
    "authorization: server message: insufficient_scope: authorization failed",
    "a private image of quay.io": RESOLVE + "unexpected status from HEAD request to "
    "https://quay.io/v2/me/web/manifests/1: 401 UNAUTHORIZED",
    "an image for CRI-O without a password": "initializing source: reading manifest 1: authentication required",
    "an image that may not be read": "denied: requested access to the resource is denied",
    "a registry that says no more": "Error response from daemon: denied",
    "a name that is none": 'couldn\'t parse image name "A B": invalid reference format',
    "another processor": TO + "no match for platform in manifest: not found",
    "another processor, as Docker says it": "no matching manifest for linux/arm64/v8 in the manifest list entries",
    "a name that sounds like a registry's trouble": 'Back-off pulling image "r.example/eof/timeout:5": ErrImagePull: '
    'rpc error: code = NotFound desc = failed to pull and unpack image "r.example/eof/timeout:5": failed to resolve '
    'reference "r.example/eof/timeout:5": r.example/eof/timeout:5: not found',
}
REGISTRY = {
    "it hung up": HEAD + "EOF",
    "it hung up, told in the pause": f'Back-off pulling image "ghcr.io/me/web:1": ErrImagePull: {HEAD}EOF',
    "it hung up within the body": TO + "failed to copy: httpReadSeeker: failed open: unexpected EOF",
    "the resolver is away": HEAD + "dial tcp: lookup ghcr.io: Temporary failure in name resolution",
    "the name is unknown": HEAD + "dial tcp: lookup ghcr.io on 10.0.0.10:53: no such host",
    "it sends us away": HEAD + "http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR",
    "a broken pipe": HEAD + "write tcp 10.0.0.1:5->10.0.0.2:443: write: broken pipe",
    "a status of a proxy": RESOLVE + "unexpected status 520",
    "a status without text": RESOLVE + "pulling from host ghcr.io failed with status code [manifests 1]: 503",
    "a status with text": RESOLVE + "unexpected status from HEAD request to https://ghcr.io/v2/x/manifests/1: 502 Bad "
    "Gateway",
    "too much asked of it": RESOLVE + "failed with status code [manifests 1]: 429 Too Many Requests",
    "too much asked, in Docker Hub's words": "toomanyrequests: You have reached your pull rate limit",
    "a token that was not to be had": RESOLVE + "failed to authorize: failed to fetch anonymous token: Get "
    '"https://auth.docker.io/token?scope=repository": net/http: TLS handshake timeout',
    "a layer that its store denies": TO + "failed to copy: httpReadSeeker: failed open: unexpected status code "
    "https://pkg.example/ghcr1/blobs/sha256:ab: 403 Forbidden",
    "a layer that its store has lost": TO + "unexpected status code https://r.example/v2/x/blobs/sha256:ab: 404",
    "a certificate": HEAD + "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    "a proxy of ours": HEAD + "proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused",
    "a proxy of ours that denies": HEAD + "proxyconnect tcp: unauthorized: 403",
    "we gave up": TO + "context canceled",
    "words that nobody knows": "the moon is in the wrong house",
    "a registry whose name sounds like a denial": 'Head "https://denied.example/v2/unauthorized/manifests/1": EOF',
}
NODE = {
    "a snapshot that is lost": TO + 'failed to prepare extraction snapshot "extract-1 sha256:ab": parent snapshot '
    "sha256:cd does not exist: not found",
    "a layer that is lost": TO + "failed to get reader from content store: content digest sha256:ab: not found",
    "a broken file system": TO + "mkdir /var/lib/containerd/x: structure needs cleaning",
    "a broken data base": "failed to create image: database disk image is malformed",
    "a quota of its disk": TO + "failed to extract layer sha256:ab: write /var/lib/x: disk quota exceeded",
    "a full disk": TO + "write /var/lib/containerd/io.containerd.content.v1.content/ingest/x: no space left on device",
    "a read-only disk": TO + "open /var/lib/x: read-only file system",
    "a folder of its own that is not there": TO + "failed to mount /var/lib/containerd/tmpmounts/x: not found",
    "a runtime that is away": 'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while '
    'dialing: dial unix /run/containerd/containerd.sock: connect: connection refused"',
    "no memory": "fork/exec /usr/bin/unpigz: cannot allocate memory",
}
UNSAID = {
    "nothing": "",
    "an older kubelet between two tries": 'Back-off pulling image "r.example/unauthorized:1"',
}
TOLD: dict[Lacks, dict[str, str]] = {"image": IMAGE, "registry": REGISTRY, "node": NODE, "unsaid": UNSAID}
CASES = [pytest.param(said, lack, id=f"{lack}: {name}") for lack, told in TOLD.items() for name, said in told.items()]


@pytest.mark.parametrize(("said", "lack"), CASES)
def test_what_is_lacking(said: str, lack: Lacks) -> None:
    assert lacks(said) == lack


WRONG = "unauthorized: incorrect username or password"
BLOCKED = RESOLVE + "unexpected status from HEAD request to https://ghcr.io/v2/me/web/manifests/1: 403 Forbidden"
NO_TOKEN = (
    RESOLVE + "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to "
    "https://ghcr.io/token?scope=repository%3Ame%2Fweb%3Apull&service=ghcr.io: 401 Unauthorized"
)
DENIED = "denied: requested access to the resource is denied"
MIRROR = RESOLVE + "unexpected status from HEAD request to https://m.example/v2/me/web/manifests/1?ns=ghcr.io: 401"
KEYS: dict[str, tuple[str, dict[Keys, Lacks]]] = {
    "a password that is wrong": (WRONG, {"none": "registry", "tenant": "image", "operator": "registry"}),
    "an address that is blocked": (BLOCKED, {"none": "registry", "tenant": "image", "operator": "registry"}),
    "a server of tokens": (NO_TOKEN, {"none": "registry", "tenant": "image", "operator": "registry"}),
    "a private image": (DENIED, {"none": "image", "tenant": "image", "operator": "registry"}),
    "a mirror of the operator": (MIRROR, {"none": "registry", "tenant": "registry", "operator": "registry"}),
    "a tag that is unknown": ("manifest unknown", {"none": "image", "tenant": "image", "operator": "image"}),
}


@pytest.mark.parametrize(("said", "wanted"), KEYS.values(), ids=KEYS.keys())
def test_a_key_that_is_refused_is_the_matter_of_whose_key_it_is(said: str, wanted: dict[Keys, Lacks]) -> None:
    assert {keys: lacks(said, keys) for keys in wanted} == wanted


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff"])
@pytest.mark.parametrize("said", [*REGISTRY.values(), *NODE.values(), *UNSAID.values()])
def test_nobody_is_closed_for_what_is_not_the_images(reason: str, said: str) -> None:
    found = cause(reason, said)
    assert found not in TENANTS
    assert found.whose in (Whose.NOBODY, Whose.PROVIDER)


def test_a_registry_that_is_known_to_be_away_needs_no_words() -> None:
    assert cause("RegistryUnavailable") is Cause.REGISTRY
    assert cause("InvalidImageName") is Cause.IMAGE_PULL
