"""PUT /deployment/{dseq}/manifest."""

from __future__ import annotations

import asyncio

import pytest

PLAIN = "text/plain; charset=utf-8"


async def test_what_was_sent_arrives_and_the_answer_is_empty(gateway, desk, tenant) -> None:
    status, _, text = await gateway.call("PUT", "/deployment/7/manifest", body=b'[{"name":"g"}]', token=tenant.token())
    assert (status, text) == (200, "")
    assert desk.manifests[tenant.address, 7] == b'[{"name":"g"}]'


async def test_refusals_keep_status_and_text(gateway, tenant) -> None:
    async def put(dseq: object, body: bytes):
        return await gateway.call("PUT", f"/deployment/{dseq}/manifest", body=body, token=tenant.token())

    assert await put(8, b"[]") == (404, PLAIN, "no lease for deployment\n")
    assert await put(7, b"other") == (422, PLAIN, "manifest version validation failed\n")
    assert await put("x", b"[]") == (400, PLAIN, 'strconv.ParseUint: parsing "x": invalid syntax\n')
    assert await put(1 << 64, b"[]") == (400, PLAIN, f'strconv.ParseUint: parsing "{1 << 64}": value out of range\n')


@pytest.mark.parametrize(("scope", "status"), [("send-manifest", 200), ("get-manifest", 401)])
async def test_the_scope_is_send_manifest(gateway, desk, tenant, scope, status) -> None:
    token = tenant.token(leases={"access": "scoped", "scope": [scope]})
    assert (await gateway.call("PUT", "/deployment/7/manifest", body=b"[]", token=token))[0] == status
    assert (desk.manifests[tenant.address, 7] is None) is (status == 401)


async def test_one_can_only_name_what_is_ones_own(gateway, desk, stranger) -> None:
    desk.keys[stranger.address] = stranger.public
    answer = await gateway.call("PUT", "/deployment/7/manifest", body=b"[]", token=stranger.token())
    assert answer[::2] == (404, "no lease for deployment\n")


async def test_a_body_that_never_ends_is_408(gateway, desk, tenant, monkeypatch) -> None:
    monkeypatch.setattr("provider.gateway.routes.manifest.BODY_S", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, ssl=gateway.client())
    head = f"PUT /deployment/7/manifest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tenant.token()}\r\n"
    writer.write(head.encode() + b"Content-Length: 1000\r\n\r\n[")
    assert (await reader.read(4096)).startswith(b"HTTP/1.1 408")
    writer.close()
    assert desk.manifests[tenant.address, 7] is None


async def test_a_desk_that_never_answers_is_503(gateway, desk, tenant, monkeypatch) -> None:
    monkeypatch.setattr("provider.gateway.routes.manifest.SUBMIT_S", 0.05)

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(desk, "submit_manifest", never)
    answer = await gateway.call("PUT", "/deployment/7/manifest", body=b"[]", token=tenant.token())
    assert answer == (503, PLAIN, "context deadline exceeded\n")
