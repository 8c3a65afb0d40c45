"""The door to the API server, over a real socket."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from provider.cluster.api.kinds import DEPLOYMENT, MANIFEST, NAMESPACE, NODE, POD
from provider.cluster.api.kube import Event, Gone, Kube, WrongFields
from provider.errors import AkpError, Blame, ConfigError, Conflict, NotFound, Refused, Retry, Unreachable
from provider.settings import ClusterSettings
from tests.provider.cluster.conftest import ApiServer, kubeconfig_text


def line(kind: str, version: str, **more: Any) -> bytes:
    return json.dumps({"type": kind, "object": {"metadata": {"resourceVersion": version}, **more}}).encode() + b"\n"


async def read(kube: Kube, quiet_s: float = 5) -> list[Event]:
    async with kube.watch(POD, "7", quiet_s=quiet_s) as events:
        return [event async for event in events]


async def test_apply_speaks_server_side_apply(server: ApiServer, kube: Kube) -> None:
    server.says({"metadata": {"resourceVersion": "5"}})
    web = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "a"}}

    assert (await kube.apply(web))["metadata"]["resourceVersion"] == "5"

    asked = server.asked[0]
    assert (asked.method, asked.path) == ("PATCH", DEPLOYMENT.path("a", "web"))
    assert asked.content_type == "application/apply-patch+yaml"
    assert dict(asked.query) == {"fieldManager": "akash-provider", "force": "true"}
    assert asked.headers["Authorization"] == "Bearer first"
    assert server.bodies[0] == web


async def test_apply_under_another_name_leaves_to_others_what_is_theirs(server: ApiServer, kube: Kube) -> None:
    server.refuses(409, "Apply failed with 1 conflict")
    with pytest.raises(Conflict, match="Apply failed"):
        await kube.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}, manager="m", force=False)
    assert dict(server.asked[0].query) == {"fieldManager": "m", "force": "false"}


async def test_create_patch_and_get(server: ApiServer, kube: Kube) -> None:
    server.says({"metadata": {"name": "x"}})
    manifest = {
        "apiVersion": "akash.network/v2beta2",
        "kind": "Manifest",
        "metadata": {"name": "x", "namespace": "lease"},
    }

    await kube.create(manifest)
    await kube.patch(MANIFEST, "lease", "x", {"metadata": {"labels": {"a": None}}})
    await kube.get(MANIFEST, "lease", "x")

    assert [(r.method, r.path) for r in server.asked] == [
        ("POST", MANIFEST.path("lease")),
        ("PATCH", MANIFEST.path("lease", "x")),
        ("GET", MANIFEST.path("lease", "x")),
    ]
    assert server.asked[1].content_type == "application/merge-patch+json"
    assert server.bodies[1] == {"metadata": {"labels": {"a": None}}}


async def test_delete_says_whether_it_was_there(server: ApiServer, kube: Kube) -> None:
    server.says({"kind": "Status"})
    server.refuses(404, "not found")

    assert await kube.delete(NAMESPACE, None, "a", grace=0) is True
    assert await kube.delete(NAMESPACE, None, "a") is False
    assert server.bodies[0]["gracePeriodSeconds"] == 0
    assert server.bodies[1]["propagationPolicy"] == "Background"


async def test_a_dry_run_and_an_orphaning_deletion_say_so(server: ApiServer, kube: Kube) -> None:
    server.says({"kind": "Status"})
    web = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "ns"}}
    await kube.create(web, dry_run=True)
    await kube.apply(web, dry_run=True)
    await kube.delete(NAMESPACE, None, "a", orphan=True)
    assert [r.query.get("dryRun") for r in server.asked] == ["All", "All", None]
    assert server.bodies[2]["propagationPolicy"] == "Orphan"


async def test_an_update_replaces_under_the_name_it_is_told(server: ApiServer, kube: Kube) -> None:
    server.says({"kind": "Deployment"})
    web = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "ns"}}
    await kube.update(web, manager="someone")
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("PUT", "/apis/apps/v1/namespaces/ns/deployments/web")
    assert (asked.query["fieldManager"], server.bodies[0]) == ("someone", web)


async def test_a_list_comes_in_pages(server: ApiServer, kube: Kube) -> None:
    server.says({"metadata": {"resourceVersion": "9", "continue": "more"}, "items": [{"a": 1}]})
    server.says({"metadata": {"resourceVersion": "9"}, "items": [{"a": 2}]})

    pages = [page async for page in kube.list(POD, "a", "x=y")]

    assert [(p.items, p.version) for p in pages] == [([{"a": 1}], "9"), ([{"a": 2}], "9")]
    assert dict(server.asked[0].query) == {"labelSelector": "x=y", "limit": "500"}
    assert server.asked[1].query["continue"] == "more"


async def test_a_list_that_took_too_long_is_gone(server: ApiServer, kube: Kube) -> None:
    server.says({"metadata": {"resourceVersion": "9", "continue": "more"}, "items": [{"a": 1}]})
    server.refuses(410, "the provided continue parameter is too old")

    with pytest.raises(Gone, match="too old"):
        await kube.all(POD)


async def test_an_empty_list_may_say_null(server: ApiServer, kube: Kube) -> None:
    server.says({"metadata": {"resourceVersion": "9"}, "items": None})
    assert await kube.all(POD) == []


FIELDS = {"details": {"causes": [{"reason": "FieldValueInvalid"}]}}


@pytest.mark.parametrize(
    ("status", "more", "error"),
    [
        pytest.param(404, {}, NotFound, id="not found"),
        pytest.param(409, {}, Conflict, id="conflict"),
        pytest.param(410, {}, Gone, id="gone"),
        pytest.param(422, {}, Refused, id="a policy's no"),
        pytest.param(422, FIELDS, WrongFields, id="invalid"),
        pytest.param(408, {}, Retry, id="too slow for a proxy in between"),
        pytest.param(403, {}, Refused, id="forbidden"),
        pytest.param(400, {}, Refused, id="bad request"),
        pytest.param(401, {}, Retry, id="credential not accepted, twice"),
        pytest.param(429, {}, Retry, id="too many"),
        pytest.param(500, {}, Retry, id="broken"),
        pytest.param(503, {}, Retry, id="starting"),
        pytest.param(
            403,
            {"details": {"causes": [{"reason": "NamespaceTerminating"}]}},
            Retry,
            id="the namespace is still going away",
        ),
    ],
)
async def test_every_no_becomes_an_error_with_the_servers_words(
    server: ApiServer, kube: Kube, status: int, more: dict[str, Any], error: type[AkpError]
) -> None:
    server.refuses(status, "because of the webhook", **more)
    with pytest.raises(AkpError, match="because of the webhook") as raised:
        await kube.get(NODE, None, "n1")
    assert type(raised.value) is error


@pytest.mark.parametrize(
    "words",
    [
        'failed to create typed patch object (a/web): .env: duplicate entries for key [name="A"]',
        "etcdserver: request is too large",
        "rpc error: code = ResourceExhausted desc = trying to send message larger than max (2524393 vs. 2097152)",
    ],
)
async def test_what_does_not_fit_its_schema_or_etcd_is_refused_for_good(
    words: str, server: ApiServer, kube: Kube
) -> None:
    """The API server answers 500 to it (seen on 1.34), but trying again would never help."""
    server.refuses(500, words)
    with pytest.raises(Refused, match=re.escape(words)):
        await kube.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "a"}})


@pytest.mark.parametrize(
    ("status", "words", "more", "blame"),
    [
        pytest.param(422, "spec.mountPath: Required value", FIELDS, Blame.TENANT, id="a field"),
        pytest.param(500, "failed to create typed patch object: a duplicate", {}, Blame.TENANT, id="a name twice"),
        pytest.param(413, "request entity too large", {}, Blame.TENANT, id="too large"),
        pytest.param(403, 'services "webhook" is forbidden', {}, Blame.CLUSTER, id="forbidden"),
        pytest.param(422, "ValidatingAdmissionPolicy denied request", {}, Blame.CLUSTER, id="a policy"),
        pytest.param(400, "admission webhook denied the request", {}, Blame.CLUSTER, id="a webhook"),
        pytest.param(
            500, "failed to create typed patch object: .spec.nodes: field not declared in schema", {}, Blame.CLUSTER,
            id="an old definition",
        ),
        pytest.param(404, "the server could not find the requested resource", {}, Blame.UNSAID, id="a kind unknown"),
    ],
)  # fmt: skip
async def test_a_refusal_says_as_data_whose_it_is(
    server: ApiServer, kube: Kube, status: int, words: str, more: dict[str, Any], blame: Blame
) -> None:
    """Whatever stands in its words, a service called quota or webhook among them."""
    server.refuses(status, f"quota webhook forbidden: {words}", **more)
    with pytest.raises(Refused) as no:
        await kube.get(NODE, None, "n1")
    assert no.value.blame is blame


async def test_the_server_says_what_it_is(server: ApiServer, kube: Kube) -> None:
    server.says({"gitVersion": "v1.34.4"})
    assert await kube.version() == {"gitVersion": "v1.34.4"}
    assert server.asked[0].path == "/version"


async def test_a_busy_server_says_when_to_come_back(server: ApiServer, kube: Kube) -> None:
    server.refuses(429, "slow down", headers={"Retry-After": "3"})
    with pytest.raises(Retry) as raised:
        await kube.get(NODE, None, "n1")
    assert raised.value.after_s == 3


async def test_a_proxys_error_page_is_shown_in_short(server: ApiServer, kube: Kube) -> None:
    server.says(b"<html>" + b"x" * 5000, status=502)
    with pytest.raises(Retry, match="<html>") as raised:
        await kube.get(NODE, None, "n1")
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("body", [b"<html>", b"", b"[1]"])
async def test_an_answer_that_is_no_object_is_trouble_not_a_crash(server: ApiServer, kube: Kube, body: bytes) -> None:
    server.says(body)
    with pytest.raises(Retry):
        await kube.get(NODE, None, "n1")


async def test_an_expired_token_is_read_anew_once(server: ApiServer, kube: Kube) -> None:
    server.refuses(401, "Unauthorized")
    server.says({"metadata": {}})
    server.kubeconfig.write_text(kubeconfig_text(server.url, token="second"))

    await kube.get(NODE, None, "n1")

    assert [r.headers["Authorization"] for r in server.asked] == ["Bearer first", "Bearer second"]


async def test_nobody_there(tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(kubeconfig_text("http://127.0.0.1:1"))
    async with Kube.connect(ClusterSettings(kubeconfig=tmp_path / "kubeconfig")) as kube:
        with pytest.raises(Unreachable):
            await kube.get(NODE, None, "n1")


async def test_a_watch_tells_changes_until_the_server_ends_it(server: ApiServer, kube: Kube) -> None:
    server.streams(line("ADDED", "8"), line("BOOKMARK", "9") + line("DELETED", "10"))

    assert [(e.type, e.version) for e in await read(kube)] == [("ADDED", "8"), ("BOOKMARK", "9"), ("DELETED", "10")]
    assert dict(server.asked[0].query) == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "7",
        "timeoutSeconds": "290",
    }


async def test_a_large_object_comes_whole(server: ApiServer, kube: Kube) -> None:
    big = line("ADDED", "8", data="x" * 1_500_000)
    server.streams(big[:100_000], 0.01, big[100_000:])
    assert [len(e.object["data"]) for e in await read(kube)] == [1_500_000]


async def test_an_event_cut_in_the_middle_was_not_there(server: ApiServer, kube: Kube) -> None:
    server.streams(line("ADDED", "8"), line("ADDED", "9")[:-10])
    assert [e.version for e in await read(kube)] == ["8"]


async def test_a_cut_connection_is_unreachable(server: ApiServer, kube: Kube) -> None:
    server.streams(line("ADDED", "8"), 0.02, cut=True)
    with pytest.raises(Unreachable):
        await read(kube)


async def test_a_watch_that_falls_silent_is_dead(server: ApiServer, kube: Kube) -> None:
    server.streams(line("ADDED", "8"), 10.0)
    with pytest.raises(Unreachable):
        await read(kube, quiet_s=0.1)


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param(b"<html>\n", id="not JSON"),
        pytest.param(b"[]\n", id="not an object"),
        pytest.param(b'{"type": "ADDED", "object": {}}\n', id="no version"),
        pytest.param(b'{"type": "MOVED", "object": {"metadata": {"resourceVersion": "1"}}}\n', id="no such type"),
        pytest.param(b'{"type": "ADDED", "object": "x"}\n', id="not an object inside"),
        pytest.param(line("ERROR", "", code=410, message="too old resource version"), id="410 inside the stream"),
        pytest.param(b'{"type": "ERROR", "object": {"code": 500}}\n', id="any other error inside the stream"),
    ],
)
async def test_only_a_new_list_helps_after_nonsense(server: ApiServer, kube: Kube, nonsense: bytes) -> None:
    server.streams(line("ADDED", "8"), nonsense)
    with pytest.raises(Gone):
        await read(kube)


async def test_a_watch_from_too_old_a_version(server: ApiServer, kube: Kube) -> None:
    server.refuses(410, "too old resource version: 7 (9000)")
    with pytest.raises(Gone, match="too old"):
        await read(kube)


async def test_what_a_reader_raises_is_the_readers_own(server: ApiServer, kube: Kube) -> None:
    """A bug in a handler must not pass for a lost connection, or it would be retried for ever."""
    server.streams(line("ADDED", "8"))

    async def handle() -> None:
        async with kube.watch(POD, "7") as events:
            async for _ in events:
                raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await handle()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(None, "No such file", id="no file"),
        pytest.param("{", "cannot be used", id="not YAML"),
        pytest.param("a: b", "cannot be used", id="not a kubeconfig"),
        pytest.param("- a", "cannot be used", id="a list"),
        pytest.param("", "cannot be used", id="empty"),
    ],
)
async def test_an_unreadable_kubeconfig_names_file_and_cure(tmp_path: Path, text: str | None, says: str) -> None:
    file = tmp_path / "kubeconfig"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=says) as raised:
        async with Kube.connect(ClusterSettings(kubeconfig=file)):
            pass
    assert str(file) in raised.value.where
    assert raised.value.cure


async def test_a_context_that_is_not_there(server: ApiServer) -> None:
    with pytest.raises(ConfigError, match="elsewhere"):
        async with Kube.connect(ClusterSettings(kubeconfig=server.kubeconfig, context="elsewhere")):
            pass


async def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("nonsense")
    file = tmp_path / "kubeconfig"
    file.write_text(
        kubeconfig_text("https://127.0.0.1:1").replace(
            "server:", f"certificate-authority: {tmp_path / 'ca.crt'}\n    server:"
        )
    )
    with pytest.raises(ConfigError, match="TLS"):
        async with Kube.connect(ClusterSettings(kubeconfig=file)):
            pass


async def test_outside_a_cluster_a_kubeconfig_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ConfigError, match="kubeconfig"):
        async with Kube.connect(ClusterSettings()):
            pass
