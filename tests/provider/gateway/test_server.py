"""Clients that mean harm or mean nothing: silence, rubbish, crowds; and how the gateway stops."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

import pytest

from provider.errors import ConfigError
from provider.gateway.app import application
from provider.gateway.server import Limits, serve

HOUR_S, DAY_S = 3600.0, 86_400.0


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """So many seconds pass at once for the loop's timers; a slow machine's own seconds are nothing beside them."""

    def pass_by(seconds: float) -> None:
        loop = asyncio.get_running_loop()
        before = loop.time
        monkeypatch.setattr(loop, "time", lambda: before() + seconds)

    return pass_by


async def until(true, patience_s: float = 180.0) -> None:
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end, "it did not become true"
        await asyncio.sleep(0.01)


async def closed_by_server(reader: asyncio.StreamReader) -> None:
    try:
        async with asyncio.timeout(180):
            while await reader.read(4096):
                pass
    except ConnectionError:
        pass


async def test_a_hello_of_rubbish_ends_the_connection_and_only_that(gateway) -> None:
    for rubbish in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(2000), b"\x16\x03\x01\xff\xff" + os.urandom(100)):
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(rubbish)
        writer.write_eof()
        await closed_by_server(reader)
        writer.close()
    assert (await gateway.call("GET", "/status"))[0] == 200
    await until(lambda: gateway.serving.connections == 0)


async def test_rubbish_inside_tls_is_answered_400(gateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, ssl=gateway.client())
    writer.write(b"\x00\x01\x02 rubbish\r\n\r\n")
    assert b" 400 " in (await reader.read(4096)).split(b"\r\n")[0]
    writer.close()
    await until(lambda: gateway.serving.connections == 0)


async def test_who_says_no_hello_is_let_go(run_gateway, later) -> None:
    async with run_gateway(limits=Limits(handshake_s=HOUR_S)) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        await until(lambda: gateway.serving.connections == 1)
        await asyncio.sleep(0.1)
        assert not reader.at_eof()
        later(HOUR_S)
        await closed_by_server(reader)
        writer.close()
        await until(lambda: gateway.serving.connections == 0)


@pytest.mark.parametrize("said", [b"", b"GET /status HTTP/1.1\r\nHost: x\r\n"], ids=["nothing", "half a head"])
async def test_who_never_ends_a_request_head_is_let_go(run_gateway, later, said) -> None:
    async with run_gateway(limits=Limits(handshake_s=DAY_S, head_s=HOUR_S)) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, ssl=gateway.client())
        writer.write(said)
        await asyncio.sleep(0.1)
        assert not reader.at_eof()
        later(HOUR_S)
        await closed_by_server(reader)
        writer.close()
        await until(lambda: gateway.serving.connections == 0)


async def test_a_head_that_comes_in_pieces_is_heard(gateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, ssl=gateway.client())
    for byte in b"GET /address HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":
        writer.write(bytes([byte]))
        await asyncio.sleep(0)
    assert (await reader.read(4096)).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_an_answered_connection_outlives_the_time_for_its_head_but_not_its_idleness(run_gateway, later) -> None:
    async with run_gateway(limits=Limits(handshake_s=DAY_S, head_s=HOUR_S, idle_s=DAY_S)) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, ssl=gateway.client())
        for _ in range(2):
            writer.write(b"GET /address HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
            later(HOUR_S)
            await asyncio.sleep(0.1)
        assert not reader.at_eof()
        later(DAY_S)
        await closed_by_server(reader)
        writer.close()


async def test_a_crowd_is_cut_off_at_the_cap_and_those_inside_are_served(run_gateway) -> None:
    async with (
        run_gateway(limits=Limits(connections=3, handshake_s=HOUR_S, head_s=HOUR_S, idle_s=HOUR_S)) as gateway,
        gateway.session() as http,
    ):
        async with http.get("/address") as answer:
            assert answer.status == 200
        crowd = [await asyncio.open_connection("127.0.0.1", gateway.port) for _ in range(10)]
        await until(lambda: sum(reader.at_eof() for reader, _ in crowd) == 8)
        assert gateway.serving.connections == 3
        async with http.get("/address") as answer:
            assert answer.status == 200, "whoever is inside stays inside"
        for _, writer in crowd:
            writer.close()
        await until(lambda: gateway.serving.connections == 1)
        assert (await gateway.call("GET", "/address"))[0] == 200, "and there is room again"


async def test_a_huge_body_is_413_and_the_desk_never_sees_it(run_gateway, desk, tenant) -> None:
    async with run_gateway(max_body_bytes=10_000) as gateway:
        answer = await gateway.call("PUT", "/deployment/7/manifest", body=b"x" * 10_000, token=tenant.token())
        assert answer[0] == 200
        answer = await gateway.call("PUT", "/deployment/7/manifest", body=b"x" * 10_001, token=tenant.token())
        assert answer == (413, "text/plain; charset=utf-8", "the body is larger than 10000 bytes\n")
        assert desk.manifests[tenant.address, 7] == b"x" * 10_000


async def test_stopping_ends_every_connection(run_gateway) -> None:
    async with run_gateway(limits=Limits(handshake_s=HOUR_S, head_s=HOUR_S, farewell_s=0.2)) as gateway:
        port = gateway.port
        silent, writer = await asyncio.open_connection("127.0.0.1", port)
        talking, second = await asyncio.open_connection("127.0.0.1", port, ssl=gateway.client())
        second.write(b"GET /address HTTP/1.1\r\nHost: x\r\n\r\n")
        await talking.readuntil(b"}")
    await closed_by_server(silent)
    await closed_by_server(talking)
    for w in (writer, second):
        w.close()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_an_error_of_the_block_comes_out_as_it_went_in(run_gateway) -> None:
    with pytest.raises(ZeroDivisionError):
        async with run_gateway():
            raise ZeroDivisionError


@pytest.mark.parametrize("listen", ["nowhere.invalid:1", "127.0.0.1:99999", "127.0.0.1:x"])
async def test_an_address_that_cannot_be_bound_is_a_setting_to_mend(desk, listen) -> None:
    with pytest.raises(ConfigError, match=r"gateway\.listen"):
        async with serve(application(desk), None, listen):
            pass
