"""The node's gRPC door, plain h2c. Heights travel in metadata: `x-cosmos-block-height` asked for, and answered
(chain-probes.md §1.11)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import grpc

from .errors import QueryError
from .services import Services

if TYPE_CHECKING:
    from .node import Node

HEIGHT = "x-cosmos-block-height"


@contextlib.asynccontextmanager
async def serve_grpc(node: Node, listen: str) -> AsyncIterator[str]:
    """Yields the URL; port 0 takes any free one."""
    server = grpc.aio.server(options=(("grpc.max_receive_message_length", 64 << 20), ("grpc.so_reuseport", 0)))
    server.add_generic_rpc_handlers((_Handler(node, Services(node)),))
    port = server.add_insecure_port(listen)
    await server.start()
    try:
        yield f"http://{listen.rpartition(':')[0]}:{port}"
    finally:
        await server.stop(0.2)


class _Handler(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Every method comes here, known or not: an unknown one gets the SDK's own words."""

    def __init__(self, node: Node, services: Services) -> None:
        self._node, self._services = node, services

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        method = handler_call_details.method

        async def answer(request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
            await self._node.chaos.dawdle()
            trouble = self._node.chaos.grpc_status
            if trouble is not None:
                await context.abort(grpc.StatusCode[trouble], "refused by chaos")
            height = await _height(context)
            try:
                response, served = self._services.ask(method, request, height)
            except QueryError as no:
                if no.status == "NOT_FOUND":  # these carry the height, refusals of the height itself do not
                    await context.send_initial_metadata(((HEIGHT, str(self._node.served_height(height))),))
                await context.abort(grpc.StatusCode[no.status], no.text)
            if served is not None:
                await context.send_initial_metadata(((HEIGHT, str(served)),))
            return response

        return grpc.unary_unary_rpc_method_handler(answer)


async def _height(context: grpc.aio.ServicerContext[Any, Any]) -> int:
    for key, value in context.invocation_metadata() or ():
        if key == HEIGHT:
            text = value.decode() if isinstance(value, bytes) else value
            if not text.lstrip("-").isdigit():
                what = f'invalid height header "{HEIGHT}": strconv.ParseInt: parsing "{text}": invalid syntax'
                await context.abort(grpc.StatusCode.UNKNOWN, f"codespace sdk code 18: invalid request: {what}")
            return int(text)
    return 0
