"""How the paths of mail programs become names of mailboxes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailvault.mail import folder_names
from mailvault.mail.model import INBOX
from mailvault.protocols.imap import utf7


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ((), "INBOX"),
        ((".Sent.2026",), "Sent/2026"),
        ((".Entw&APw-rfe",), "Entwürfe"),
        (("Work", "a&-b"), "Work/a&b"),
        (("user", ".Sent"), "user/Sent"),
        ((".a\\2eb",), "a.b"),
        ((".inbox.x",), "INBOX/x"),
        ((".Work.directory", "Lists"), "Work/Lists"),
        (("broken &name",), "broken &name"),
    ],
)
def test_maildirs(path: tuple[str, ...], name: str) -> None:
    assert str(folder_names.of_maildir(path, utf7.decode)) == name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (("Work.mbox",), "Work"),
        (("Inbox",), "INBOX"),
        (("Inbox.sbd", "2026"), "INBOX/2026"),
        (("Work.mbox.gz",), "Work"),
        (("Work.mbox", "mbox"), "Work"),
        (("v1.2",), "v1.2"),
        ((".mbox",), ".mbox"),
        (("mbox",), "mail"),
    ],
)
def test_mbox_files(path: tuple[str, ...], name: str) -> None:
    assert str(folder_names.of_mbox(path, "mail.tar.gz")) == name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (("Letters", "Old"), "Letters/Old"),
        (("V10", "Work.mbox", "4E1B", "Data", "Messages"), "V10/Work"),
        (("A.mbox", "B.mbox", "Messages"), "A/B"),
        ((), "mail"),
    ],
)
def test_folders_of_messages(path: tuple[str, ...], name: str) -> None:
    assert str(folder_names.of_folder(path, "mail.zip")) == name


def test_a_file_that_is_no_folder_lies_in_the_inbox() -> None:
    assert folder_names.of_folder((), "") == INBOX


@given(st.lists(st.text(max_size=8), max_size=4))
def test_any_path_has_a_name(path: list[str]) -> None:
    for name in (
        folder_names.of_maildir(path, utf7.decode),
        folder_names.of_folder(path, "x"),
        folder_names.of_mbox([*path, "x"], "x"),
    ):
        assert name.parts
        assert all(name.parts)
