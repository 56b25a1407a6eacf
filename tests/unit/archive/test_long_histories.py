"""Whatever happened to an archive, a rebuild gives every row that anybody can see."""

import random
from pathlib import Path

import pytest

from mailvault.archive.rebuild import rebuild_catalog
from mailvault.archive.structure import mend
from mailvault.mail.model import Digest
from mailvault.operations.prune import PrunePolicy, plan_prune, prune
from mailvault.operations.repair import repair
from tests.server.damage import damage_messages
from tests.unit.archive.builders import SteppingClock, create, open_again
from tests.unit.archive.random_history import RandomHistory
from tests.unit.archive.test_structure import facts, flip, journal_of

POLICY = PrunePolicy(keep_last=2)


@pytest.mark.parametrize(
    ("seed", "rounds"),
    [(1, 4), *(pytest.param(seed, 15, marks=pytest.mark.torture) for seed in range(2, 12))],
)
def test_a_rebuild_gives_what_was_there(tmp_path: Path, seed: int, rounds: int) -> None:
    """Runs, jobs, renames, prunes, repairs with and without losses, and broken journals."""
    folder = tmp_path / "archive"
    chance = random.Random(seed)
    create(folder).close()
    history: RandomHistory | None = None
    for number in range(rounds):
        with open_again(folder, writing=True) as archive:
            history = history or RandomHistory(archive, seed)
            history.archive = archive
            for _ in range(3):
                history.run()
            prune(archive, POLICY, plan_prune(archive, POLICY).digests)
            digests = sorted(archive.catalog.digests())
        if number % 2:
            flip(journal_of(folder), chance.uniform(0.1, 0.9))
            list(mend(folder, clock=SteppingClock()))
        if number == rounds // 2:
            lose(folder, chance.choice(digests))
        before = facts(folder)

        rebuild_catalog(folder, clock=SteppingClock())

        after = facts(folder)
        if number < rounds // 2:
            assert after == before
        else:  # the header of what is lost cannot be read again
            assert {**after, "message": []} == {**before, "message": []}


def lose(folder: Path, digest: Digest) -> None:
    """Damage a message that no server has any more, and have that found out."""
    damage_messages(folder, [str(digest)])
    report = repair(folder, SteppingClock(), [])
    assert {each.digest for each in report.lost} == {digest}
    with open_again(folder) as archive:
        assert digest in archive.catalog.quarantined()
