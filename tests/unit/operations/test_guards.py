"""What is suspicious: heavy, total, replaced, renamed; and what people do every day is not."""

import pytest

from mailvault.mail.model import MailboxName
from mailvault.operations.guards import (
    Toll,
    is_swept,
    suspicious_deletion,
    suspicious_loss,
    suspicious_renaming,
    suspicious_total,
)


@pytest.mark.parametrize(
    ("toll", "is_suspicious"),
    [
        pytest.param(Toll(0, 0, 0), False, id="always-empty"),
        pytest.param(Toll(1, 0, 1), True, id="emptied"),
        pytest.param(Toll(500, 0, 0), False, id="all-moved-elsewhere"),
        pytest.param(Toll(300, 249, 51), False, id="51-of-300-is-under-a-fifth"),
        pytest.param(Toll(250, 199, 51), True, id="51-of-250-is-over-a-fifth"),
        pytest.param(Toll(60, 10, 50), False, id="exactly-50"),
        pytest.param(Toll(100, 100, 60), True, id="hidden-by-as-many-arrivals"),
        pytest.param(Toll(12, 30, 12), True, id="another-mailbox-altogether"),
        pytest.param(Toll(9, 9, 9), False, id="few-messages-all-answered"),
        pytest.param(Toll(40, 40, 11, replaced=11), True, id="replaced-by-variants"),
        pytest.param(Toll(40, 40, 10, replaced=10), False, id="ten-drafts-rewritten"),
        pytest.param(Toll(300, 300, 30, replaced=30), False, id="a-tenth-rewritten"),
        pytest.param(Toll(70, 0, 70, is_swept=True), False, id="the-trash-was-emptied"),
        pytest.param(
            Toll(70, 70, 70, replaced=70, is_swept=True), True, id="the-trash-was-encrypted"
        ),
    ],
)
def test_a_loss_is_suspicious_when_it_is_heavy_or_total(
    toll: Toll, is_suspicious: bool
) -> None:
    assert (suspicious_loss(toll) is not None) == is_suspicious


@pytest.mark.parametrize(
    ("lost", "before", "is_suspicious"),
    [(0, 5000, False), (50, 60, False), (900, 5000, False), (1001, 5000, True)],
)
def test_deleted_mailboxes_are_suspicious_when_they_held_much_of_the_mail(
    lost: int, before: int, is_suspicious: bool
) -> None:
    assert (suspicious_deletion(2, lost, before) is not None) == is_suspicious


def test_many_small_losses_are_suspicious_together() -> None:
    tolls = [Toll(60, 20, 40, is_swept=True), Toll(60, 20, 40)]

    assert (
        suspicious_total(tolls, 0, 120) == "80 of the account's 120 messages are gone at once"
    )
    assert suspicious_total(tolls, 0, 500) is None
    assert suspicious_total([], 101, 500) is not None


@pytest.mark.parametrize(
    ("renamed", "gone", "before", "is_suspicious"),
    [(2, 0, 2, False), (3, 0, 3, True), (3, 0, 6, False), (2, 2, 7, True), (0, 3, 4, True)],
)
def test_names_that_changed_are_suspicious_when_they_are_most(
    renamed: int, gone: int, before: int, is_suspicious: bool
) -> None:
    assert (suspicious_renaming(renamed, gone, before) is not None) == is_suspicious


@pytest.mark.parametrize(
    ("name", "special_use", "swept"),
    [
        ("Papierkorb", "\\Trash", True),
        ("INBOX/Trash", None, True),
        ("Deleted Items", None, True),
        ("Spam/Reports", None, False),
        ("INBOX", None, False),
    ],
)
def test_mailboxes_that_people_empty_are_known(
    name: str, special_use: str | None, swept: bool
) -> None:
    assert is_swept(MailboxName.parse(name, "/"), special_use) == swept
