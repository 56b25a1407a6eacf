"""A deleting sync over POP3, cut and killed often enough to be believed."""

from pathlib import Path

import pytest

from tests.server.test_pop3_deletion import Mail, check_cuts, check_kills
from tests.servers.dovecot import Dovecot
from tests.servers.users import MailUser

pytestmark = [pytest.mark.torture, pytest.mark.server, pytest.mark.timeout(3600)]

CUTS = 300
KILLS = 100


@pytest.fixture
def mail(mail_user: MailUser, dovecot: Dovecot) -> Mail:
    return Mail(mail_user, dovecot)


def test_three_hundred_cuts_delete_nothing_unarchived(
    tmp_path: Path, mail_user: MailUser, mail: Mail
) -> None:
    check_cuts(tmp_path, mail_user, mail, CUTS)


def test_a_hundred_kills_of_a_deleting_sync_lose_nothing(
    tmp_path: Path, mail_user: MailUser, mail: Mail
) -> None:
    check_kills(tmp_path, mail_user, mail, KILLS)
