"""Somebody who listens to HTTP: what a webhook or a ping calls."""

import http.server
import json
import ssl
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Any, cast

CANARY = "canary-4711"
"""In every address, so that a test can look where it must not be."""

PATIENCE = 120.0
"""Seconds for what comes within a few on a machine that has nothing else to do."""

# A JSON document; the tests look into it by key.
Json = dict[str, Any]


class Moment(StrEnum):
    """Of a call."""

    CALLED = "called"
    HEARD = "heard"
    ANSWERED = "answered"


class Listener(http.server.ThreadingHTTPServer):
    """Hears HTTP; answers with ``status``.

    What is put into ``at`` happens at that moment; it may raise OSError to hang up.
    """

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.scheme = "http" if context is None else "https"
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.heard: list[tuple[str, bytes]] = []
        self.status = 200
        self.at: dict[Moment, Callable[[], object]] = {}
        self._has_heard = threading.Condition()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/{CANARY}"

    def posted(self) -> list[Json]:
        return [json.loads(content) for _, content in self.heard if content]

    def hear(self, path: str, content: bytes) -> None:
        with self._has_heard:
            self.heard.append((path, content))
            self._has_heard.notify_all()

    def wait_for(self, is_it: Callable[[Json], bool]) -> Json:
        """Wait until something like this was posted."""

        def found() -> Json | None:
            return next((each for each in self.posted() if is_it(each)), None)

        with self._has_heard:
            posted = self._has_heard.wait_for(found, PATIENCE)
        assert posted is not None, f"never posted; but {self.posted()}"
        return posted

    def reach(self, moment: Moment) -> None:
        if (happens := self.at.get(moment)) is not None:
            happens()

    def called(self) -> list[str]:
        return [path.replace(f"/{CANARY}", "") for path, content in self.heard if not content]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us, or is killed, hangs up."""

    def close(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Call(http.server.BaseHTTPRequestHandler):
    def _hear(self) -> None:
        listener = cast("Listener", self.server)
        listener.reach(Moment.CALLED)
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        listener.hear(self.path, content)
        listener.reach(Moment.HEARD)
        self.send_response(listener.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()
        listener.reach(Moment.ANSWERED)

    do_GET = do_POST = _hear  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        pass
