"""How far the search for repairs goes."""

from __future__ import annotations

from sophia_cli.core.values import dataclass, replace


@dataclass(frozen=True, slots=True)
class Limits:
    """How far the search goes. Counts, not seconds, so that a result does not depend on the machine's load."""

    beam: int = 4
    tries: int = 80
    passes: int = 10
    gap: float = 3.0
    pull: float = 0.8
    lead: float = 4.0
    doubt: float = 1.0
    step: float = 1.5
    lossless: bool = False
    abreast: bool = False  # whether a text that came further waits for those that are behind
    leap: float = 1.2
    slack: float = 1.0
    many: int = 6  # changes from which on two searches are better than one
    sites: int = 400
    finals: int = 10
    work: int = 4_000_000  # characters read by compiler and tokenizer, in all
    more: int = 600_000  # work that is added when the next of many faults is reached
    more_texts: int = 60  # the same for the first of them, in texts as long as the whole
    most: int = 4_000_000  # work that is left, at the most, when the next of many faults is reached
    large: int = 200_000  # characters; longer texts are only looked at in windows
    longest: int = 20_000  # characters of the fault's line
    huge: int = 1_000_000  # characters; longer texts are not searched at all
    depth: int = 200  # brackets open at the fault; nobody left so many open

    def wider(self) -> Limits:
        """Return the limits for a second search, of a text for which the first found nothing."""
        return replace(self, tries=170, passes=12, gap=9.0, sites=8, work=4_000_000)

    def straighter(self) -> Limits:
        """Return the limits for a search that follows the best way only, for a text with more faults than work."""
        return replace(self, beam=1, passes=3, gap=2.0, lead=0.1, work=self.work // 2, most=self.work // 4)

    def beside(self, *, settled: bool) -> Limits:
        """Return the limits for a search in another way beside the first, which was `settled` when it found something
        or came to an end with work left: then only what is found soon is worth it."""
        work = self.work // 2 if settled else self.work
        return replace(self, abreast=True, work=work, most=work)

    def more_for(self, text: str, depth: int) -> int:
        """Return the work that is added when the fault after `depth` others is reached."""
        return max(self.more, min(self.more_texts * len(text), self.work)) if depth < 8 else self.more

    def at(self, depth: int) -> Limits:
        """Return the limits for the fault after `depth` others: many faults in one file are looked at more quickly."""
        if depth < 5:
            return self
        return replace(self, beam=2 if depth < 10 else 1, tries=min(self.tries, 80), passes=4, gap=min(self.gap, 3.0))
