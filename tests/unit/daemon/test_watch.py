"""A watch calls when something happens, also where the server cannot wait."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mailvault.config.load import parse
from mailvault.config.model import AccountSettings
from mailvault.daemon.watch import LOST, Pace, Watch
from mailvault.demo.sample import PASSWORD, USER, build_sample
from mailvault.demo.server import DemoServer
from tests.servers.bent import BentServer, HangUp

PATIENCE = 60.0
HURRY = Pace(poll=0.02, settle=0.0, pauses=(0.02,))


def account_at(server: DemoServer, lines: str = "") -> AccountSettings:
    text = (
        '[archive]\npath = "archive"\n[accounts.work]\nprotocol = "imap"\nhost = "127.0.0.1"\n'
        f'port = {server.port}\ntls = "none"\nuser = "{USER}"\npassword = "{PASSWORD}"\n'
        f"watch = true\n{lines}\n"
    )
    return parse(text.encode(), Path("mailvault.toml"), is_private=True).accounts["work"]


@contextmanager
def watching(account: AccountSettings) -> Iterator["queue.SimpleQueue[str]"]:
    calls: queue.SimpleQueue[str] = queue.SimpleQueue()
    watch = Watch(account, lambda: calls.put("called"), HURRY)
    watch.start()
    try:
        yield calls
    finally:
        watch.stop()
        watch.join(PATIENCE)


def test_a_server_without_idle_is_asked_again_and_again() -> None:
    account = build_sample()
    grown: list[int] = []

    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        if b" NOOP" in command and grown:
            return [b"* %d EXISTS\r\n" % grown.pop(), *answer]
        return answer

    with BentServer(account, bend) as server, watching(account_at(server)) as calls:
        assert calls.get(timeout=PATIENCE)  # the watch begins
        assert calls.empty()
        grown.append(4711)

        assert calls.get(timeout=PATIENCE)


def test_a_watch_connects_again_and_calls_for_what_it_may_have_missed() -> None:
    hang_ups = [HangUp()]

    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        if b" NOOP" in command and hang_ups:
            raise hang_ups.pop()
        return answer

    with (
        BentServer(build_sample(), bend) as server,
        watching(account_at(server)) as calls,
    ):
        assert calls.get(timeout=PATIENCE)
        assert calls.get(timeout=PATIENCE)
        assert server.connections == 2


def test_globs_that_match_nothing_end_the_watch() -> None:
    with DemoServer(build_sample()) as server:
        watch = Watch(account_at(server, 'watch_mailboxes = ["No/such"]'), lambda: None, HURRY)
        watch.start()

        assert watch.join(PATIENCE)


def test_a_refused_login_calls_so_that_a_sync_tells_of_it() -> None:
    with DemoServer(build_sample()) as server:
        account = replace(account_at(server), user="nobody")
        with watching(account) as calls:
            assert calls.get(timeout=PATIENCE)


def test_a_watch_that_cannot_be_kept_calls_again_and_again() -> None:
    def bend(command: bytes, answer: list[bytes]) -> list[bytes]:
        raise HangUp

    with BentServer(build_sample(), bend) as server, watching(account_at(server)) as calls:
        assert calls.get(timeout=PATIENCE)
        assert server.connections >= LOST
        assert calls.get(timeout=PATIENCE)
