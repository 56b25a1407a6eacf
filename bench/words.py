"""Prose for generated mail that compresses about as real prose does.

Words follow Zipf's law, and so do the phrases they stand in: without phrases, text made at
random is far harder to compress than what people write; made from a few templates it is far
easier.
"""

import random
from itertools import accumulate

VOWELS = "aaaeeeeeiiiooouuy"
CONSONANTS = "bcddffgghhkllllmmmnnnnnpprrrrrsssssstttttttvwz"
WORDS = 24_000
PHRASES = 260_000
COMMON_WORDS = """
the of to and a in is that it for was on with he be at by this had not are but from or
have an they which one you were her all she there would their we him been has when who
will more no if out so said what up its about into than them can only other new some
could time these two may then do first any my now such like our over man me even most
made after also did many before must through back years where much your way well down
should because each just those people how too little state good very make world still
own see men work long get here
"""
COMMON = COMMON_WORDS.split()


class Prose:
    """Endless prose from a seed."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._words = COMMON + [self._word() for _ in range(WORDS - len(COMMON))]
        self._word_weights = _zipf(len(self._words), 1.0)
        self._phrases = self._make_phrases()
        self._phrase_weights = _zipf(len(self._phrases), 0.82)

    def text(self, octets: int) -> list[str]:
        """Paragraphs of about this many octets, folded at 72 columns."""
        phrases = max(2, octets // 17)
        chosen = self._chance.choices(
            self._phrases, cum_weights=self._phrase_weights, k=phrases
        )
        words = " ".join(chosen).split(" ")
        lines: list[str] = []
        line: list[str] = []
        width = 0
        sentence = 0
        for word in words:
            if sentence == 0:
                word = word.capitalize()
            sentence += 1
            if sentence > 9 and word[-1] in "aeiouy":
                word += "."
                sentence = 0
            if width + len(word) > 71:
                lines.append(" ".join(line))
                line, width = [], 0
                if sentence == 0 and len(lines) % 5 == 4:
                    lines.append("")
            line.append(word)
            width += len(word) + 1
        return [*lines, " ".join(line)]

    def title(self) -> str:
        """A few words for a subject."""
        words = self._chance.choices(self._words, cum_weights=self._word_weights, k=5)
        return " ".join(words).capitalize()

    def name(self) -> str:
        return f"{self._word().capitalize()} {self._word().capitalize()}"

    def _word(self) -> str:
        syllables = self._chance.choices((1, 2, 3, 4), (2, 6, 4, 1))[0]
        return "".join(
            self._chance.choice(CONSONANTS)
            + self._chance.choice(VOWELS)
            + (self._chance.choice(CONSONANTS) if self._chance.random() < 0.35 else "")
            for _ in range(syllables)
        )

    def _make_phrases(self) -> list[str]:
        lengths = self._chance.choices((1, 2, 3, 4, 5), (5, 4, 3, 2, 1), k=PHRASES)
        words = iter(
            self._chance.choices(self._words, cum_weights=self._word_weights, k=sum(lengths))
        )
        return [" ".join(next(words) for _ in range(length)) for length in lengths]


def _zipf(count: int, exponent: float) -> list[float]:
    return list(accumulate(1 / rank**exponent for rank in range(1, count + 1)))
