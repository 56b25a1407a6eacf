"""Somebody who listens to HTTP: what a webhook or a ping calls."""

import http.server
import json
import ssl
import threading
from typing import Any, cast

CANARY = "canary-4711"
"""In every address, so that a test can look where it must not be."""

# A JSON document; the tests look into it by key.
Json = dict[str, Any]


class Listener(http.server.ThreadingHTTPServer):
    """Hears HTTP; answers with ``status``."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.scheme = "http" if context is None else "https"
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.heard: list[tuple[str, bytes]] = []
        self.status = 200
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/{CANARY}"

    def posted(self) -> list[Json]:
        return [json.loads(content) for _, content in self.heard if content]

    def called(self) -> list[str]:
        return [path.replace(f"/{CANARY}", "") for path, content in self.heard if not content]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us hangs up."""

    def close(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Call(http.server.BaseHTTPRequestHandler):
    def _hear(self) -> None:
        listener = cast("Listener", self.server)
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        listener.heard.append((self.path, content))
        self.send_response(listener.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = _hear  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        pass
