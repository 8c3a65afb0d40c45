"""Bytes that clients match on."""

from __future__ import annotations

import json

from provider.gateway.routes.replies import auth_refusal, json_reply, plain_refusal


def test_json_is_escaped_as_go_does() -> None:
    value = {"a": "<b>&\u2028é", "n": [1, None, True]}
    reply = json_reply(value)
    assert reply.body == '{"a":"\\u003cb\\u003e\\u0026\\u2028é","n":[1,null,true]}'.encode()
    assert json.loads(reply.body) == value


def test_refusals() -> None:
    plain, auth = plain_refusal(404, "no lease for deployment"), auth_refusal(401, "JWT is expired")
    assert (plain.status, plain.body) == (404, b"no lease for deployment\n")
    assert plain.headers["X-Content-Type-Options"] == "nosniff"
    assert (auth.status, auth.body, auth.content_type) == (401, b'{"message":"JWT is expired"}', "application/json")
