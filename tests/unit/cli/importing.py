"""Mail in files, imported into the account old."""

from pathlib import Path

from tests.unit.cli.program import Json, Setting

LINE = b"From ada@example.org Mon Jan  5 12:00:00 2026\n"


def letter(number: int) -> bytes:
    return b"Message-ID: <%d@x>\nSubject: letter %d\n\nbody\n" % (number, number)


def mbox(*numbers: int, status: str = "") -> bytes:
    fields = f"Status: {status}\n".encode() if status else b""
    return b"".join(LINE + fields + letter(number) + b"\n" for number in numbers)


def take_in(vault: Setting, path: Path, *arguments: str, code: int = 0) -> Json:
    outcome = vault.run("import", str(path), "--account", "old", "--json", *arguments)
    assert outcome.code == code, outcome.stderr
    return outcome.document()


def arrived(report: Json) -> int:
    return sum(each["arrived"] for each in report["accounts"][0]["mailboxes"])


def listed(vault: Setting, *arguments: str) -> list[Json]:
    return vault.run("list", "old", "--json", *arguments).lines()
