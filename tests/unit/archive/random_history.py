"""Long random histories of an archive with several mailboxes: everything that can happen."""

import random

from mailvault.archive.archive import Archive
from mailvault.mail.changes import JobEnded, MailboxFinished, Pruned, Quarantined
from mailvault.mail.model import Batch, Digest, Mailbox, MailboxName
from tests.unit.archive.builders import (
    BEGINNING,
    build_arrival,
    build_batch,
    build_message,
)

FLAGS = [(), ("\\Seen",), ("$a", "\\Seen"), ("\\Flagged",), ("$später",)]


class RandomHistory:
    """Each `run` is a run of sync in which chance decides what happened."""

    def __init__(self, archive: Archive, seed: int) -> None:
        self.archive = archive
        self._chance = random.Random(seed)
        self._mailboxes: dict[int, _Box] = {}
        self._count = 0

    def run(self) -> None:
        chance = self._chance
        recorder = self.archive.start_run()
        accounts = [recorder.account(name, "imap") for name in ("work", "home")]
        for _ in range(chance.randrange(3) if self._mailboxes else 2):
            self._count += 1
            mailbox = Mailbox(MailboxName((f"Box {self._count}",)), is_subscribed=True)
            number = recorder.describe(chance.choice(accounts), mailbox)
            self._mailboxes[number] = _Box(chance)
        for number, box in list(self._mailboxes.items()):
            act = chance.random()
            if act < 0.05 and len(self._mailboxes) > 2:
                recorder.gone(number)
                del self._mailboxes[number]
                continue
            if act < 0.1:
                name = MailboxName(("Renamed", f"{number}-{recorder.run}"))
                account = next(
                    account
                    for account, view in zip(accounts, ("work", "home"), strict=True)
                    if self._account_of(number) in (None, view)
                )
                recorder.describe(account, Mailbox(name), mailbox_id=number)
            for batch in box.batches():
                recorder.add(number, batch)
            if chance.random() < 0.5:
                recorder.mailbox_finished(MailboxFinished(number, 1, 2, 3, 0, 4, 0.25))
        if chance.random() < 0.2:
            recorder.suspect(accounts[0], None, "it looks wrong")
        if chance.random() < 0.2:
            recorder.accept(accounts[0])
        for account in accounts:
            if chance.random() < 0.9:
                recorder.account_finished(account, chance.choice([None, None, "it went away"]))
        if chance.random() < 0.1:
            recorder.flush()
            recorder.abandon()
        else:
            recorder.finish(chance.choice([0, 3]))
        self._between()

    def _account_of(self, mailbox_id: int) -> str | None:
        views = self.archive.catalog.mailboxes(include_gone=True)
        return next((v.account for v in views if v.mailbox_id == mailbox_id), None)

    def _between(self) -> None:
        """What commands other than sync do."""
        chance, now = self._chance, self.archive.now()
        if chance.random() < 0.2:
            self.archive.note_job(JobEnded("verify", BEGINNING, now, 0, None, 3, 99, "full"))
        if chance.random() < 0.2:
            gone = [each.digest for each in self.archive.catalog.expunged()]
            if gone:
                some = chance.sample(sorted(gone), chance.randint(1, len(gone)))
                self.archive.tell([Pruned(tuple(some))])
        if chance.random() < 0.1:
            self.archive.tell([Quarantined(now, (Digest.of(chance.randbytes(4)),))])


class _Box:
    """What one mailbox holds, to decide what may happen to it."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._uidvalidity = chance.randint(1, 9)
        self._present: dict[int, int] = {}
        self._next = 1
        self._owed: set[int] = set()

    def batches(self) -> list[Batch]:
        chance = self._chance
        found = []
        if self._present and chance.random() < 0.1:
            found += self._renumbered()
        arriving = {self._next + n: chance.randint(1, 40) for n in range(chance.randrange(5))}
        self._next += len(arriving)
        returning = [uid for uid in self._owed if chance.random() < 0.4]
        arriving |= {uid: chance.randint(1, 40) for uid in returning}
        self._owed -= set(returning)
        flags = {uid: chance.choice(FLAGS) for uid in self._present if chance.random() < 0.2}
        expunged = [uid for uid in self._present if chance.random() < 0.15]
        if self._owed and chance.random() < 0.2:
            expunged.append(self._owed.pop())
        owed = [self._next] if chance.random() < 0.15 else []
        owed += [uid for uid in self._owed if chance.random() < 0.5]
        self._next += 1
        self._owed |= set(owed)
        self._present |= arriving
        for uid in expunged:
            self._present.pop(uid, None)
        found.append(
            build_batch(
                self._uidvalidity,
                arrived=[
                    build_arrival(uid, *chance.choice(FLAGS), octets=build_message(number))
                    for uid, number in arriving.items()
                ],
                flags=flags,
                expunged=expunged,
                removed=[uid for uid in expunged if uid % 3 == 0],
                unreadable=owed,
                cursor=f"c{self._next}",
                is_complete=True,
            )
        )
        return found

    def _renumbered(self) -> list[Batch]:
        """Every message gets another UID, and some are gone."""
        self._uidvalidity += 10
        kept = [number for number in self._present.values() if self._chance.random() < 0.9]
        self._present = dict(enumerate(kept, start=1))
        self._next = len(kept) + 1
        self._owed = set()
        arrived = [
            build_arrival(uid, octets=build_message(number))
            for uid, number in self._present.items()
        ]
        return [build_batch(self._uidvalidity, arrived=arrived, is_complete=True)]
