from mailvault.mail.model import Cursor, Mailbox, MailboxName
from mailvault.operations.plan import Archived, plan_mailboxes


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


def test_mailboxes_that_are_all_called_otherwise_are_suspicious() -> None:
    known = [archived(1, "INBOX"), *(archived(n, f"Old{n}") for n in (2, 3, 4, 5))]
    names = ["INBOX", "New2", "New3", "Old4"]

    plan = plan_mailboxes(
        [listed(each) for each in names],
        known,
        lambda mailbox, each: str(mailbox.name)[-1] == str(each.name)[-1],
    )

    assert plan.suspicion == "of 4 mailboxes 2 have other names and 1 are gone at once"
    assert [each.mailbox_id for each in plan.gone] == [5]


def test_a_mailbox_or_two_may_be_renamed() -> None:
    plan = plan_mailboxes(
        [listed("New1"), listed("New2")],
        [archived(1, "Old1"), archived(2, "Old2")],
        lambda mailbox, each: str(mailbox.name)[-1] == str(each.name)[-1],
    )

    assert plan.suspicion is None
