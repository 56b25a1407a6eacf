"""What rots is fetched again from the server; what nobody has any more is named."""

import pytest

from tests.corpus.ordinary import generate
from tests.server.accounts import append_all, furnish, read
from tests.server.damage import damage_messages
from tests.server.vault import Json, Vault, difference
from tests.servers.users import MailUser

pytestmark = pytest.mark.server


@pytest.fixture
def filled(vault: Vault, mail_user: MailUser) -> Vault:
    furnish(mail_user, names=("Läbel", "日本語"))
    with mail_user.session() as session:
        session.create("Many")
        append_all(session, "Many", generate(7, 60))
    vault.sync()
    return vault


def findings(vault: Vault, code: int = 0) -> list[Json]:
    found: list[Json] = vault.run("verify", "--json", code=code).document()["findings"]
    return found


def some(vault: Vault, mailbox: str, count: int) -> list[Json]:
    placements = [p for p in vault.placements() if p["mailbox"] == mailbox]
    unique = {p["digest"]: p for p in placements}
    return list(unique.values())[:count]


def test_twenty_damaged_messages_are_healed_from_the_server(
    filled: Vault, mail_user: MailUser
) -> None:
    chosen = {each["digest"] for each in some(filled, "Many", 20)}
    damage_messages(filled.archive, chosen)
    assert {each["digest"] for each in findings(filled, 4)} == chosen

    report = filled.run("repair", "--yes", "--json").document()

    assert {each["digest"] for each in report["damaged"]} == chosen
    assert {each["digest"] for each in report["healed"]} == chosen
    assert report["lost"] == []
    assert findings(filled) == []
    assert not difference(filled.holdings(), read(mail_user))
    assert filled.run("repair", "--json").document()["damaged"] == []


def test_twenty_messages_that_are_gone_are_named_and_all_others_intact(
    filled: Vault, mail_user: MailUser
) -> None:
    chosen = some(filled, "Many", 20)
    uids = ",".join(each["remote_id"] for each in chosen)
    with mail_user.session() as session:
        session.select("Many")
        session.expunge(uids)
    filled.sync()
    digests = {each["digest"] for each in chosen}
    also_there = {each["digest"] for each in filled.placements()} & digests
    damage_messages(filled.archive, digests)

    report = filled.run("repair", "--yes", "--json", code=4).document()

    lost = {each["digest"]: each for each in report["lost"]}
    assert lost.keys() == digests - also_there
    for each in chosen:
        if each["digest"] in lost:
            named = lost[each["digest"]]
            assert (named["mailbox"], named["subject"]) == ("Many", each["subject"])
            assert named["date"] == each["internal_date"]
    assert {each["digest"] for each in findings(filled, 4)} == lost.keys()
    assert not difference(filled.holdings(), read(mail_user))


def test_a_message_that_was_moved_is_found_by_its_message_id(
    filled: Vault, mail_user: MailUser
) -> None:
    (chosen,) = some(filled, "Many", 1)
    with mail_user.session() as session:
        session.create("Elsewhere")
        session.select("Many")
        session.command(f"UID MOVE {chosen['remote_id']} Elsewhere".encode())
    damage_messages(filled.archive, [chosen["digest"]])

    report = filled.run("repair", "--yes", "--json").document()

    assert [each["digest"] for each in report["healed"]] == [chosen["digest"]]
    assert len(filled.run("cat", chosen["digest"]).stdout) == chosen["size"]


def test_a_lost_message_heals_by_itself_when_it_comes_again(
    filled: Vault, mail_user: MailUser
) -> None:
    (chosen,) = some(filled, "Many", 1)
    octets = filled.run("cat", chosen["digest"]).stdout
    with mail_user.session() as session:
        session.select("Many")
        session.expunge(chosen["remote_id"])
    filled.sync()
    damage_messages(filled.archive, [chosen["digest"]])
    assert filled.run("repair", "--yes", "--json", code=4).document()["lost"]
    with mail_user.session() as session:
        session.append("INBOX", octets, [], None)

    filled.sync()

    assert filled.run("cat", chosen["digest"]).stdout == octets
    assert findings(filled) == []
    assert filled.run("repair", "--json").document()["damaged"] == []


def test_an_archive_of_which_almost_nothing_is_left_comes_back(
    filled: Vault, mail_user: MailUser
) -> None:
    journal = next((filled.archive / "journal").glob("*.zst"))
    journal.write_bytes(journal.read_bytes()[:100])
    (filled.archive / "archive.toml").unlink()
    (filled.archive / "catalog.db").write_bytes(b"no catalog")

    report = filled.run("repair", "--yes", "--json").document()
    filled.sync()

    assert {each["part"] for each in report["plan"]} == {"identity", "catalog"}
    assert "in recovered/recovered" in report["done"][-1]
    assert not difference(filled.holdings("work"), read(mail_user))
    assert findings(filled) == []


def test_a_plan_changes_nothing(filled: Vault) -> None:
    chosen = [each["digest"] for each in some(filled, "Many", 3)]
    damage_messages(filled.archive, chosen)
    before = {
        path: path.read_bytes()
        for path in filled.archive.rglob("*")
        if path.is_file() and path.name != "lock"
    }

    plan = filled.run("repair", "--dry-run", "--json", code=4).document()
    refused = filled.run("repair", code=2)

    assert len({each["digest"] for each in plan["damaged"]}) == 3
    assert not plan["repaired"]
    assert "--yes is missing" in refused.stderr
    assert {path: path.read_bytes() for path in before} == before


def test_an_account_that_cannot_be_reached_is_named_and_nothing_given_up(
    filled: Vault, mail_user: MailUser
) -> None:
    (chosen,) = some(filled, "Many", 1)
    damage_messages(filled.archive, [chosen["digest"]])
    filled.configure(mail_user, port=1)

    report = filled.run("repair", "--yes", "--json", code=4).document()
    filled.configure(mail_user)

    assert list(report["unreachable"]) == ["work"]
    assert filled.run("repair", "--yes", "--json").document()["lost"] == []


def test_a_missing_volume_is_filled_again(filled: Vault, mail_user: MailUser) -> None:
    next((filled.archive / "content").glob("*.db")).unlink()
    (filled.archive / "content" / "000002.db").write_bytes(b"")

    filled.run("repair", "--yes")

    assert findings(filled) == []
    assert not difference(filled.holdings(), read(mail_user))
