"""A name server on loopback that knows a few SRV records, and the resolver that asks it."""

import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset

from tests.servers.process import HOST

Records = Mapping[str, tuple[str, ...]]
"""By name: "PRIORITY WEIGHT PORT TARGET"."""


class NameServer:
    """Answers over UDP. ``is_silent``: hears everything and says nothing."""

    def __init__(self, records: Records, *, is_silent: bool = False) -> None:
        self._records = records
        self._is_silent = is_silent
        self.asked: list[str] = []

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())  # wakes the thread
        self._thread.join()
        self._socket.close()

    def resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [HOST]
        resolver.port = self._socket.getsockname()[1]
        return resolver

    def _serve(self) -> None:
        while True:
            octets, client = self._socket.recvfrom(4096)
            if self._ending.is_set():
                return
            if (answer := self._answer(octets)) is not None:
                self._socket.sendto(answer, client)

    def _answer(self, octets: bytes) -> bytes | None:
        query = dns.message.from_wire(octets)
        name = query.question[0].name
        self.asked.append(str(name).rstrip("."))
        if self._is_silent:
            return None
        response = dns.message.make_response(query)
        records = self._records.get(str(name).rstrip("."), ())
        if records:
            response.answer.append(dns.rrset.from_text(name, 60, "IN", "SRV", *records))
        else:
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()
