"""The bare POP3 wire: log in, RETR everything with 64 commands in flight, throw it away.

`python -m bench.wire_pop3 HOST PORT USER PASSWORD` prints the seconds and the octets. This is
the least that any client has to wait for.
"""

import socket
import sys
import time

_DEPTH = 64
_RECEIVE = 1 << 18
_END = b"\r\n.\r\n"


def main() -> int:
    host, port, user, password = sys.argv[1:5]
    with socket.create_connection((host, int(port))) as connection:
        began = time.monotonic()
        octets = _drain(connection, user, password)
        print(time.monotonic() - began, octets)
    return 0


def _drain(connection: socket.socket, user: str, password: str) -> int:
    connection.recv(_RECEIVE)
    for line in (f"USER {user}", f"PASS {password}", "STAT"):
        connection.sendall(line.encode() + b"\r\n")
        answer = connection.recv(_RECEIVE)
    count = int(answer.split()[1])
    asked = done = octets = 0
    tail = b""
    while done < count:
        if asked - done <= _DEPTH // 2 and asked < count:
            more = range(asked + 1, min(count, done + _DEPTH) + 1)
            connection.sendall(b"".join(b"RETR %d\r\n" % number for number in more))
            asked = more[-1]
        data = tail + connection.recv(_RECEIVE)
        octets += len(data) - len(tail)
        done += data.count(_END)
        # What ends in the middle of an end is looked at again with what follows.
        tail = data[max(data.rfind(_END) + len(_END), len(data) - len(_END) + 1) :]
    return octets


if __name__ == "__main__":
    sys.exit(main())
