"""The bare wire: one connection that reads every message and throws it away.

Run as a program, so that it is measured as the others are: HOST PORT USER PASSWORD, then
the mailboxes as they go over the wire. Prints the seconds and the octets it read.
"""

import socket
import sys
import time

RECEIVE_OCTETS = 262_144


class Wire:
    """Just enough of a client to read all there is."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port))
        self._buffer = bytearray(RECEIVE_OCTETS)
        self._tags = 0
        self.octets = 0
        self._socket.recv(4_096)

    def command(self, text: str) -> bytes:
        """Send a command and read to its tagged response; return the end of what came."""
        self._tags += 1
        tag = b"wire-%d-1b7f" % self._tags
        self._socket.sendall(tag + b" " + text.encode("ascii") + b"\r\n")
        end = b""
        while b"\r\n" + tag not in b"\r\n" + end or not end.endswith(b"\r\n"):
            count = self._socket.recv_into(self._buffer)
            if not count:
                raise SystemExit(f"the server went away after: {text}")
            self.octets += count
            end = (end + bytes(self._buffer[max(0, count - 2_048) : count]))[-2_048:]
        if b" OK" not in end[end.rfind(tag) :]:
            raise SystemExit(f"refused: {text}: {end[-200:]!r}")
        return end


def main(host: str, port: str, user: str, password: str, *mailboxes: str) -> None:
    started = time.perf_counter()
    wire = Wire(host, int(port))
    wire.command(f'LOGIN "{user}" "{password}"')
    for mailbox in mailboxes:
        wire.command(f'EXAMINE "{mailbox}"')
        wire.command("UID FETCH 1:* (BODY.PEEK[])")
    print(time.perf_counter() - started, wire.octets)


if __name__ == "__main__":
    main(*sys.argv[1:])
