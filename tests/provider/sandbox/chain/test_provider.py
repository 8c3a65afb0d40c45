"""Providers."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message
from provider.sandbox.chain.errors import QueryError


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("https://a.b:8443", 0),
        ("http://a.b:8443", 1),
        ("https://a.b:8443/", 1),
        ("https://a.b:8443/x", 1),
        ("https://", 1),
        ("a.b", 2),
        ("", 2),
        ("https://a b", 1),
    ],
)
def test_host_uris(chain: Any, host: str, code: int) -> None:
    made = chain.provider("p3")
    made.host_uri = host
    answer = chain.app.check_tx(chain.tx("p3", made))
    assert answer.code == code, answer.log


@pytest.mark.parametrize(
    ("keys", "code"),
    [(["region"], 0), (["a/b.c-d"], 0), (["1a"], 2), (["a"], 2), (["a b"], 2), (["ab", "ab"], 1), (["a" * 127], 0)],
)
def test_attribute_keys(chain: Any, keys: list[str], code: int) -> None:
    made = chain.provider("p3")
    for key in keys:
        made.attributes.add(key=key, value="")
    answer = chain.app.check_tx(chain.tx("p3", made))
    assert (answer.code, answer.codespace) == (code, "akash" if code else "")


def test_a_provider_is_made_once_replaced_whole_and_never_deleted(chain: Any) -> None:
    assert chain.send("p1", chain.provider("p1")).code == 4
    update = message("akash.provider.v1beta4.MsgUpdateProvider")(owner=chain["p1"], host_uri="https://new:1")
    chain.must("p1", update)
    found = chain.ask("akash.provider.v1beta4.Query/Provider", owner=chain["p1"]).provider
    assert (found.host_uri, list(found.attributes)) == ("https://new:1", [])
    answer = chain.send("p1", message("akash.provider.v1beta4.MsgDeleteProvider")(owner=chain["p1"]))
    assert (answer.code, answer.log.rpartition("index: 0: ")[2]) == (10, "NOTIMPLEMENTED: internal error")
    with pytest.raises(QueryError, match="code 3: invalid provider: address not found"):
        chain.ask("akash.provider.v1beta4.Query/Provider", owner=chain["p3"])
    assert len(chain.ask("akash.provider.v1beta4.Query/Providers").providers) == 2
