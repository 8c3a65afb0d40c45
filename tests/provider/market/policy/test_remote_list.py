"""A list of tenants somebody else keeps, over a real HTTP server: only what is good changes anything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from bidengine.owners import Entry
from bidengine.policy_file import ListUrl
from manifests.bech32 import encode
from provider.errors import Retry
from provider.market.policy.remote_list import MOST_BYTES, RemoteList

ANN, BOB = encode("akash", b"\1" * 20), encode("akash", b"\2" * 20)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=180) as client:
        yield client


def listed(server: Any, folder: Path) -> RemoteList:
    return RemoteList(ListUrl(server.url), folder)


async def test_it_is_loaded_and_asked_only_whether_it_has_changed(list_server: Any, http: Any, tmp_path: Path) -> None:
    list_server.text = f"{ANN}\n"
    found = listed(list_server, tmp_path)
    assert (found.entries, found.checked_unix_s) == (None, None)
    assert await found.refresh(http, 100)
    assert found.entries == (Entry(ANN, None, "", list_server.url),)
    assert not await found.refresh(http, 200), "304"
    assert found.checked_unix_s == 200
    assert list_server.asked[1]["If-None-Match"] == '"1"'
    list_server.text, list_server.etag = f"{BOB}\n", '"2"'
    assert await found.refresh(http, 300)
    assert [entry.owner for entry in found.entries] == [BOB]


async def test_without_an_etag_the_date_will_do(list_server: Any, http: Any, tmp_path: Path) -> None:
    list_server.etag, list_server.headers = "", {"Last-Modified": "Sat, 28 Nov 2026 03:00:00 GMT"}
    found = listed(list_server, tmp_path)
    assert await found.refresh(http, 1), "a list with nobody on it is a list"
    assert found.entries == ()
    assert not await found.refresh(http, 2)
    assert list_server.asked[1]["If-Modified-Since"] == "Sat, 28 Nov 2026 03:00:00 GMT"


@pytest.mark.parametrize(
    ("text", "status", "told"),
    [
        (f"{ANN}\nnobody\n", 200, "line 2: 'nobody' is not a bech32 address"),
        ("<html>Please log in</html>", 200, "line 1"),
        ("", 404, "the server answered 404 Not Found"),
        (f"{ANN}\n", 500, "the server answered 500"),
        (b"\xff\xfe", 200, "utf-8"),
        ("", 200, "the list is empty"),
        ("#" * (MOST_BYTES + 1), 200, f"the list has more than {MOST_BYTES} bytes"),
        ("", 302, "the server answered 302"),
    ],
    ids=["a wrong line", "a page", "gone", "an error", "no text", "nothing", "too large", "elsewhere"],
)
async def test_what_is_no_list_leaves_the_last_good_one(
    list_server: Any, http: Any, tmp_path: Path, text: str | bytes, status: int, told: str
) -> None:
    list_server.text = f"{ANN}\n"
    found = listed(list_server, tmp_path)
    await found.refresh(http, 100)
    list_server.text, list_server.status, list_server.etag = text, status, '"2"'
    with pytest.raises(Retry) as trouble:
        await found.refresh(http, 200)
    assert str(trouble.value).startswith(f"{found.name}: ")
    assert told in str(trouble.value)
    assert told in found.trouble
    assert found.entries is not None
    assert ([e.owner for e in found.entries], found.checked_unix_s) == ([ANN], 100)
    list_server.text, list_server.status, list_server.etag = f"{ANN}\n", 200, '"3"'
    assert not await found.refresh(http, 300)
    assert found.trouble == ""


async def test_a_restart_with_the_server_down_keeps_it(list_server: Any, http: Any, tmp_path: Path) -> None:
    list_server.text = f"{ANN} 2027-01-01 # miner\n"
    before = listed(list_server, tmp_path)
    await before.refresh(http, 100)
    after = listed(list_server, tmp_path)
    assert (after.entries, after.checked_unix_s) == (before.entries, 100)
    assert not await after.refresh(http, 200), "and its ETag is remembered too"
    down = RemoteList(ListUrl("http://127.0.0.1:1/list"), tmp_path)
    with pytest.raises(Retry, match="ConnectError"):
        await down.refresh(http, 1)
    assert down.entries is None, "another address is another list"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": 1}', '{"url": "u", "text": "nobody", "checked_unix_s": 1}'])
async def test_a_spoilt_copy_is_no_copy(list_server: Any, http: Any, tmp_path: Path, text: str) -> None:
    await listed(list_server, tmp_path).refresh(http, 100)
    _spoil(tmp_path, text)
    with capture_logs() as logs:
        found = listed(list_server, tmp_path)
    assert found.entries is None
    assert [entry["log_level"] for entry in logs] == ["warning"]
    assert await found.refresh(http, 200)


def _spoil(folder: Path, text: str) -> None:
    (copy,) = folder.iterdir()
    copy.write_text(text)


def test_secrets_in_an_address_are_not_shown(tmp_path: Path) -> None:
    found = RemoteList(ListUrl("https://user:word@lists.test:8443/deny.txt?token=secret"), tmp_path)
    assert found.name == "https://lists.test:8443/deny.txt"
