import pytest

from mailvault.mail.model import Cursor, Mailbox, MailboxName
from mailvault.operations.plan import (
    Archived,
    plan_mailboxes,
    suspicious_deletion,
    suspicious_loss,
)


def name(text: str) -> MailboxName:
    return MailboxName(tuple(text.split("/")))


def listed(text: str) -> Mailbox:
    return Mailbox(name(text))


def archived(number: int, text: str, messages: int = 10, *, gone: bool = False) -> Archived:
    return Archived(number, name(text), messages, Cursor("1:1:-:-"), gone)


def never_same(mailbox: Mailbox, known: Archived) -> bool:
    return False


def test_a_mailbox_is_matched_by_its_name() -> None:
    plan = plan_mailboxes([listed("INBOX")], [archived(1, "INBOX")], never_same)

    assert [task.archived and task.archived.mailbox_id for task in plan.tasks] == [1]
    assert plan.gone == ()


def test_a_new_name_with_the_same_content_is_a_rename() -> None:
    known = archived(7, "Old")

    plan = plan_mailboxes([listed("New")], [known], lambda mailbox, each: each.mailbox_id == 7)

    assert plan.tasks[0].archived == known
    assert plan.gone == ()


def test_one_mailbox_is_never_taken_for_two_renamed_ones() -> None:
    plan = plan_mailboxes(
        [listed("A"), listed("B")], [archived(7, "Old")], lambda mailbox, each: True
    )

    assert [task.archived is not None for task in plan.tasks] == [True, False]


def test_a_mailbox_the_server_no_longer_lists_is_gone() -> None:
    plan = plan_mailboxes(
        [listed("INBOX")], [archived(1, "INBOX"), archived(2, "Old", 3)], never_same
    )

    assert [each.mailbox_id for each in plan.gone] == [2]
    assert plan.suspicion is None


def test_a_server_that_lists_nothing_takes_nothing_away() -> None:
    plan = plan_mailboxes([], [archived(1, "INBOX")], never_same)

    assert plan.gone == ()
    assert plan.suspicion == "the server lists none of 1 mailboxes"


def test_a_mailbox_that_comes_back_keeps_its_history_but_is_walked_in_full() -> None:
    plan = plan_mailboxes([listed("Old")], [archived(2, "Old", 0, gone=True)], never_same)

    assert plan.tasks[0].archived is not None
    assert plan.tasks[0].cursor is None


@pytest.mark.parametrize(
    ("before", "after", "lost", "is_suspicious"),
    [
        pytest.param(0, 0, 0, False, id="always-empty"),
        pytest.param(1, 0, 1, True, id="emptied"),
        pytest.param(500, 0, 0, False, id="all-moved-elsewhere"),
        pytest.param(300, 249, 51, False, id="51-of-300-is-under-a-fifth"),
        pytest.param(250, 199, 51, True, id="51-of-250-is-over-a-fifth"),
        pytest.param(60, 10, 50, False, id="exactly-50"),
        pytest.param(100, 100, 60, True, id="hidden-by-as-many-arrivals"),
    ],
)
def test_a_loss_is_suspicious_when_it_is_heavy_or_total(
    before: int, after: int, lost: int, is_suspicious: bool
) -> None:
    assert (suspicious_loss(before, after, lost) is not None) == is_suspicious


@pytest.mark.parametrize(
    ("lost", "before", "is_suspicious"),
    [(0, 5000, False), (50, 60, False), (900, 5000, False), (1001, 5000, True)],
)
def test_deleted_mailboxes_are_suspicious_when_they_held_much_of_the_mail(
    lost: int, before: int, is_suspicious: bool
) -> None:
    assert (suspicious_deletion(2, lost, before) is not None) == is_suspicious
