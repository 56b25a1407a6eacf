"""TLS on an existing socket: what is demanded of the server, and why it was refused."""

import functools
import hashlib
import hmac
import socket
import ssl
from pathlib import Path

from mailvault.errors import ConfigurationError, ConnectionLost, MailvaultError, TlsRefused
from mailvault.transport.endpoint import Endpoint, TlsMode

_PLAIN_HINT = 'does the port speak plain text first? try tls = "starttls", or another port'

# X509_V_ERR_* of OpenSSL's x509_vfy.h
_CERTIFICATE_PROBLEMS = {
    9: ("is not valid yet", "check the clock of this machine"),
    10: ("has expired", "the server's owner has to renew it"),
    18: (
        "is self-signed",
        "name it with ca_file, or pin it with tls_fingerprint if it is yours",
    ),
    19: (
        "is signed by an authority this machine does not know",
        "name that authority's certificate with ca_file",
    ),
    20: (
        "is signed by an authority this machine does not know",
        "name that authority's certificate with ca_file",
    ),
    21: (
        "comes without the chain that would prove it",
        "the server has to send its intermediate certificates",
    ),
    62: ("is for another host", "use the host name the certificate was made for"),
    64: ("is for another address", "use the host name the certificate was made for"),
}

_NOT_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"}
    | {"PACKET_LENGTH_TOO_LONG", "UNEXPECTED_MESSAGE", "BAD_RECORD_TYPE"}
)
_TOO_OLD = frozenset(
    {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "VERSION_TOO_LOW"}
    | {"NO_PROTOCOLS_AVAILABLE", "SSLV3_ALERT_HANDSHAKE_FAILURE", "NO_SHARED_CIPHER"}
)
_TOO_WEAK = frozenset(
    {"DH_KEY_TOO_SMALL", "EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"}
    | {"MD_TOO_WEAK", "WRONG_SIGNATURE_TYPE", "LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED"}
    | {"UNSAFE_LEGACY_RENEGOTIATION_DISABLED"}
)


def wrap(sock: socket.socket, endpoint: Endpoint) -> ssl.SSLSocket:
    """Make a connection private before anything else is said on it. Closes it on failure.

    Raises:
        TlsRefused: the server could not be proven to be the one that was asked for.
        ConnectionLost: it went away or fell silent during the handshake.
    """
    sock.settimeout(endpoint.timeouts.tls)
    try:
        context = _context(endpoint.ca_file, endpoint.tls_fingerprint is not None)
        private = context.wrap_socket(sock, server_hostname=endpoint.host)
    except OSError as error:
        sock.close()
        raise explained(error, endpoint) from error
    except (MailvaultError, ValueError):
        sock.close()
        raise
    try:
        _check_fingerprint(private, endpoint)
    except TlsRefused:
        private.close()
        raise
    return private


def demanding(ca_file: Path | None) -> ssl.SSLContext:
    """A context for libraries that make connections of their own. Raises ConfigurationError."""
    return _context(ca_file, False)


@functools.lru_cache(maxsize=16)
def _context(ca_file: Path | None, is_pinned: bool) -> ssl.SSLContext:
    """Demand TLS 1.2, a proven certificate and the right host name.

    Kept, because reading all authorities of a system takes a tenth of a second.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # covers ssl.SSLError: not a certificate
        raise ConfigurationError(
            f"{ca_file}: no certificates could be read from it",
            hint="ca_file names a file of certificates in PEM form",
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        # Python 3.13 refuses authorities without the extensions that home-made ones lack.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if is_pinned and ca_file is None:
        # The pin of `_check_fingerprint` proves more than any authority could.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def fingerprint(certificate: bytes) -> str:
    """Name a certificate (DER) the way `tls_fingerprint` does."""
    return "sha256:" + hashlib.sha256(certificate).hexdigest()


def _check_fingerprint(private: ssl.SSLSocket, endpoint: Endpoint) -> None:
    if endpoint.tls_fingerprint is None:
        return
    found = fingerprint(private.getpeercert(binary_form=True) or b"")
    wanted = endpoint.tls_fingerprint.strip().lower().replace(" ", "")
    digits = wanted.removeprefix("sha256:").replace(":", "")  # openssl prints AA:BB:CC
    if not hmac.compare_digest(f"sha256:{digits}".encode(), found.encode()):
        raise TlsRefused(
            f"{endpoint} shows another certificate than the pinned one: {found}",
            hint="change tls_fingerprint only if you know that the server changed it",
        )


def explained(error: OSError, endpoint: Endpoint) -> MailvaultError:
    """Say what went wrong in a handshake, and what to do about it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_refused(error, endpoint)
    if isinstance(error, TimeoutError):
        return ConnectionLost(
            f"{endpoint} did not finish the TLS handshake in {endpoint.timeouts.tls:g} s",
            hint=_PLAIN_HINT if endpoint.tls is TlsMode.IMPLICIT else None,
        )
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError) or not isinstance(
        error, ssl.SSLError
    ):
        return ConnectionLost(
            f"{endpoint} ended the connection during the TLS handshake",
            hint="is this the right port for TLS?",
        )
    return _handshake_refused(error, endpoint)


def _certificate_refused(error: ssl.SSLCertVerificationError, endpoint: Endpoint) -> TlsRefused:
    problem, hint = _CERTIFICATE_PROBLEMS.get(
        error.verify_code,
        (
            f"is not acceptable: {error.verify_message}",
            "pin it with tls_fingerprint if it is yours",
        ),
    )
    return TlsRefused(f"the certificate of {endpoint} {problem}", hint=hint)


def _handshake_refused(error: ssl.SSLError, endpoint: Endpoint) -> TlsRefused:
    reason = error.reason or "unknown"
    if reason in _NOT_TLS:
        return TlsRefused(f"{endpoint} does not speak TLS on this port", hint=_PLAIN_HINT)
    if reason in _TOO_OLD:
        return TlsRefused(
            f"{endpoint} offers no TLS of version 1.2 or newer with a sound cipher ({reason})",
            hint="the server has to be updated",
        )
    if reason in _TOO_WEAK:
        return TlsRefused(f"{endpoint} uses a key or signature that is too weak ({reason})")
    return TlsRefused(f"{endpoint} refused the TLS handshake ({reason})")
