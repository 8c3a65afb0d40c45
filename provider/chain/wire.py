"""Messages, stubs and handlers made at run time from one descriptor set, in a pool of our own.

The pool is private on purpose: another library that registers `cosmos.*` in the default pool cannot clash with it.
`akash.binpb` is compiled from proto/ when the package is built or installed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import resources
from types import SimpleNamespace
from typing import Any

import grpc
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import Message

_OPTIONS = (
    ("grpc.max_receive_message_length", 64 << 20),  # a page of 1,000 orders exceeds the 4 MiB default
    ("grpc.keepalive_time_ms", 60_000),  # below 30 s servers answer ENHANCE_YOUR_CALM
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),  # by default a node that was away for long is missed for two more minutes
)


def _load() -> descriptor_pool.DescriptorPool:
    try:
        data = resources.files("provider.chain").joinpath("akash.binpb").read_bytes()
    except FileNotFoundError:
        raise RuntimeError(
            "provider/chain/akash.binpb is missing: run `pip install -e .` once, it compiles proto/"
        ) from None
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(data).file:
        pool.Add(file)
    return pool


POOL = _load()
_classes: dict[str, type[Message]] = {}


def message(name: str) -> type[Any]:
    """The class of a message by its full name, e.g. `message("akash.market.v1beta5.MsgCreateBid")`. KeyError when
    unknown."""
    found = _classes.get(name)
    if found is None:
        found = _classes[name] = message_factory.GetMessageClass(POOL.FindMessageTypeByName(name))
    return found


def known(name: str) -> bool:
    try:
        message(name)
    except KeyError:
        return False
    return True


def pack(msg: Message) -> Any:
    """An Any whose type URL is exactly `/full.name`, as the chain demands."""
    box = message("google.protobuf.Any")()
    box.type_url = "/" + msg.DESCRIPTOR.full_name
    box.value = msg.SerializeToString(deterministic=True)
    return box


def unpack(box: any_pb2.Any) -> Any:
    """The message inside an Any; KeyError when its type is unknown."""
    return message(box.type_url.lstrip("/")).FromString(box.value)


def as_json(msg: Message) -> Any:
    """Proto3 JSON with the fields' own names, zero values present, as Cosmos tools write it."""
    return json_format.MessageToDict(
        msg, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, descriptor_pool=POOL
    )


def channel(address: str) -> grpc.aio.Channel:
    """`http://host:port` or `host:port` is plain h2c, `https://…` and `grpcs://…` is TLS."""
    scheme, _, rest = address.rpartition("://")
    target = rest.rstrip("/")
    if scheme in ("https", "grpcs"):
        return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(), options=_OPTIONS)
    return grpc.aio.insecure_channel(target, options=_OPTIONS)


def stub(chan: grpc.aio.Channel, service: str) -> Any:
    """An object with one coroutine function per method: `await stub.Orders(request, timeout=…, metadata=…)`."""
    described = POOL.FindServiceByName(service)
    out = SimpleNamespace()
    for method in described.methods:
        request, response = message(method.input_type.full_name), message(method.output_type.full_name)
        call = chan.unary_unary(
            f"/{service}/{method.name}",
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )
        setattr(out, method.name, call)
    return out


def handlers(
    service: str, methods: dict[str, Callable[[Any, Any], Awaitable[Any]]]
) -> grpc.GenericRpcHandler[Any, Any]:
    """A server's handlers: method name -> `async (request, context) -> response`. Methods left out answer
    UNIMPLEMENTED."""
    described = POOL.FindServiceByName(service)
    table = {}
    for method in described.methods:
        if method.name in methods:
            table[method.name] = grpc.unary_unary_rpc_method_handler(
                methods[method.name],
                request_deserializer=message(method.input_type.full_name).FromString,
                response_serializer=message(method.output_type.full_name).SerializeToString,
            )
    return grpc.method_handlers_generic_handler(service, table)
