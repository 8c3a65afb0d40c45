"""TLS that asks every client for a certificate and accepts whatever it shows; who the peer is gets decided after the
handshake.

The standard library cannot do this: an Akash certificate is self-signed and lacks digitalSignature, so OpenSSL's
verification fails whatever is trusted (design.md §9.1). asyncio's SSLProtocol touches its context through one method,
`wrap_bio`, and what that returns through six; `PeerContext` answers with a pyOpenSSL connection and so serves every
asyncio server unchanged.

The one subtlety: OpenSSL takes the verify mode and the ticket keys from the context a connection *started* with, and
the certificate from the one that `choose` gives it when the hello has been read. The first is made once, so sessions
resume; the second may be a new one for every connection, which is all there is to reloading.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from OpenSSL import SSL

PrivateKey = (
    ec.EllipticCurvePrivateKey
    | rsa.RSAPrivateKey
    | dsa.DSAPrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)

# Without one, a client that resumes is refused: "session id context uninitialized" (gateway-auth.md §13).
_SESSION_ID = b"akp-gateway"


def _accept(*_: object) -> bool:
    return True


def openssl_context(
    chain: tuple[x509.Certificate, ...] = (), key: PrivateKey | None = None, *, alpn: bytes = b"http/1.1"
) -> Any:
    """A server context: TLS 1.3 only, client certificate asked for and not judged. `chain` begins with the leaf."""
    ctx = SSL.Context(SSL.TLS_SERVER_METHOD)
    ctx.set_min_proto_version(SSL.TLS1_3_VERSION)
    ctx.set_session_id(_SESSION_ID)
    ctx.set_verify(SSL.VERIFY_PEER, _accept)

    def agree(_connection: Any, offered: list[bytes]) -> Any:
        return alpn if alpn in offered else SSL.NO_OVERLAPPING_PROTOCOLS

    ctx.set_alpn_select_callback(agree)
    if chain and key is not None:
        ctx.use_certificate(chain[0])
        for issuer in chain[1:]:
            ctx.add_extra_chain_cert(issuer)
        ctx.use_privatekey(key)
        ctx.check_privatekey()
    return ctx


class PeerContext(ssl.SSLContext):
    """Pass it wherever asyncio wants an `ssl.SSLContext` for a server. `choose(sni)` is asked once per connection."""

    _first: Any

    def __new__(cls, choose: Callable[[str | None], Any]) -> PeerContext:
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, choose: Callable[[str | None], Any]) -> None:
        def on_hello(connection: Any) -> None:
            name = connection.get_servername()
            connection.set_context(choose(name.decode("ascii", "replace") if name else None))
            connection.set_verify(SSL.VERIFY_PEER, _accept)

        self._first = openssl_context()
        self._first.set_tlsext_servername_callback(on_hello)

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> Any:
        if not server_side:
            raise ValueError("PeerContext is for servers")
        return PeerObject(self, self._first, incoming, outgoing)


class PeerObject:
    """The part of `ssl.SSLObject` that asyncio uses, over a pyOpenSSL connection and asyncio's own memory BIOs."""

    __slots__ = ("__weakref__", "_connection", "_incoming", "_outgoing", "context")

    def __init__(self, context: PeerContext, first: Any, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> None:
        self.context, self._incoming, self._outgoing = context, incoming, outgoing
        self._connection = SSL.Connection(first, None)
        self._connection.set_accept_state()

    # What the gateway came for.

    def peer_certificates(self) -> tuple[x509.Certificate, ...]:
        """What the client showed, its own certificate first; empty when it showed none. One that cannot be
        parsed raises what x509 raises (identity.UNREADABLE).

        OpenSSL has already checked that the client holds the first one's key; a resumed session shows the first one
        only."""
        leaf = self._connection.get_peer_certificate(as_cryptography=True)
        if leaf is None:
            return ()
        return (leaf, *(c for c in self._connection.get_peer_cert_chain(as_cryptography=True) or () if c != leaf))

    # What asyncio.sslproto calls.

    def do_handshake(self) -> None:
        self._run(self._connection.do_handshake)

    def read(self, n: int = 1024, buffer: Any = None) -> Any:
        try:
            if buffer is not None:
                return self._run(self._connection.recv_into, buffer, n)
            return self._run(self._connection.recv, n)
        except ssl.SSLZeroReturnError:
            return 0 if buffer is not None else b""

    def write(self, data: Any) -> int:
        return int(self._run(self._connection.send, bytes(data))) if data else 0

    def unwrap(self) -> None:
        done = self._run(self._connection.shutdown)  # ours is sent now; the peer's may still be on its way
        if not done and not self._connection.get_shutdown() & SSL.RECEIVED_SHUTDOWN:
            raise ssl.SSLWantReadError

    def getpeercert(self, binary_form: bool = False) -> dict[str, Any]:
        return {}  # asyncio asks after every handshake; parsing waits until somebody needs it (peer_certificates)

    def cipher(self) -> tuple[Any, Any, Any]:
        c = self._connection
        return c.get_cipher_name(), c.get_cipher_version(), c.get_cipher_bits()

    def compression(self) -> None:
        return None

    def version(self) -> str:
        return str(self._connection.get_protocol_version_name())

    def selected_alpn_protocol(self) -> str | None:
        return self._connection.get_alpn_proto_negotiated().decode("ascii") or None

    def _run(self, call: Callable[..., Any], *args: Any) -> Any:
        if self._incoming.pending:
            self._connection.bio_write(self._incoming.read())
        elif self._incoming.eof:
            self._connection.bio_shutdown()
        try:
            return call(*args)
        except SSL.WantReadError:
            raise ssl.SSLWantReadError from None
        except SSL.WantWriteError:
            raise ssl.SSLWantWriteError from None
        except SSL.ZeroReturnError:
            raise ssl.SSLZeroReturnError from None
        except SSL.SysCallError as trouble:
            raise ssl.SSLEOFError(str(trouble)) from None
        except SSL.Error as trouble:
            raise ssl.SSLError(str(trouble.args[0] if trouble.args else trouble)) from None
        finally:
            self._flush()

    def _flush(self) -> None:
        while True:
            try:
                self._outgoing.write(self._connection.bio_read(1 << 16))
            except SSL.Error:  # WantRead: nothing more to send
                return
