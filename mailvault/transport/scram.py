"""SCRAM (RFC 5802, RFC 7677): prove to know the password, and demand the same proof back."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable

from mailvault.errors import LoginRefused, ProtocolViolation
from mailvault.transport.printable import printable
from mailvault.transport.saslprep import saslprep_if_possible

_NO_BINDING = b"n,,"  # RFC 5802 7: we do not bind to the TLS channel
_FEWEST_ITERATIONS = 4096  # RFC 5802 5.1, RFC 7677 4
_MOST_ITERATIONS = 2_000_000  # about a second: a server may not ask for a day


def _random_nonce() -> str:
    return secrets.token_urlsafe(24)


class Scram:
    """The client's side of one SCRAM exchange. The password is asked for at the proof."""

    def __init__(
        self,
        hash_name: str,
        user: str,
        secret: Callable[[], str],
        *,
        nonce: Callable[[], str] = _random_nonce,
    ) -> None:
        self.name = "SCRAM-" + {"sha1": "SHA-1", "sha256": "SHA-256"}[hash_name]
        self._hash = hash_name
        self._secret = secret
        self._nonce = nonce()
        name = saslprep_if_possible(user).replace("=", "=3D").replace(",", "=2C")
        self._first_bare = f"n={name},r={self._nonce}".encode()
        self._server_signature: bytes | None = None
        self._is_proven = False

    @property
    def initial(self) -> bytes:
        return _NO_BINDING + self._first_bare

    @property
    def is_proven(self) -> bool:
        """Whether the server showed that it knows the password, too."""
        return self._is_proven

    def respond(self, challenge: bytes, /) -> bytes:
        """Answer the server-first, then check the server-final message.

        Raises:
            ProtocolViolation: the message is malformed, or its numbers are not safe.
            LoginRefused: the server says so, or its own proof is wrong.
        """
        if self._server_signature is None:
            return self._prove(challenge)
        if not self._is_proven:
            self._check(challenge)
            return b""
        raise ProtocolViolation("the server went on with SCRAM after its end")

    def _prove(self, server_first: bytes) -> bytes:
        nonce, salt, iterations = self._parameters(server_first)
        salted = hashlib.pbkdf2_hmac(
            self._hash, saslprep_if_possible(self._secret()).encode(), salt, iterations
        )
        client_key = self._hmac(salted, b"Client Key")
        stored_key = hashlib.new(self._hash, client_key).digest()
        without_proof = b"c=" + base64.b64encode(_NO_BINDING) + b",r=" + nonce
        auth_message = b",".join((self._first_bare, server_first, without_proof))
        signature = self._hmac(stored_key, auth_message)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        self._server_signature = self._hmac(self._hmac(salted, b"Server Key"), auth_message)
        return without_proof + b",p=" + base64.b64encode(proof)

    def _parameters(self, server_first: bytes) -> tuple[bytes, bytes, int]:
        fields = _fields(server_first)
        try:
            nonce = fields[b"r"]
            salt = base64.b64decode(fields[b"s"], validate=True)
            iterations = int(fields[b"i"][:10])
        except (KeyError, ValueError, binascii.Error) as error:
            raise ProtocolViolation("the server sent a malformed SCRAM challenge") from error
        own = self._nonce.encode()
        if b"m" in fields or not nonce.startswith(own) or nonce == own:
            raise ProtocolViolation("the server sent a SCRAM challenge that is not for us")
        if not _FEWEST_ITERATIONS <= iterations <= _MOST_ITERATIONS:
            raise ProtocolViolation(
                f"the server asks for {iterations} iterations of SCRAM, which is not safe",
                hint=f"between {_FEWEST_ITERATIONS} and {_MOST_ITERATIONS} are accepted",
            )
        return nonce, salt, iterations

    def _check(self, server_final: bytes) -> None:
        fields = _fields(server_final)
        if b"e" in fields:
            raise LoginRefused(f"the server refused the login: {printable(fields[b'e'])}")
        try:
            signature = base64.b64decode(fields.get(b"v", b""), validate=True)
        except binascii.Error:
            signature = b""
        assert self._server_signature is not None
        if not hmac.compare_digest(signature, self._server_signature):
            raise LoginRefused(
                "the server does not know the password, so it is not the real one",
                hint="somebody may be meddling with the connection",
            )
        self._is_proven = True

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._hash)


def _fields(message: bytes) -> dict[bytes, bytes]:
    pairs = (part.partition(b"=") for part in message.split(b","))
    return {key: value for key, _, value in pairs}
