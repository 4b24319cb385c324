"""What fuzzing counts, whatever is mutated: sent, taken, refused with a reason; and what must never be."""

from __future__ import annotations

import dataclasses
from typing import Protocol

from xview_agent.bench.fuzzing.mutation import Mutator

TAKEN = ""  # the verdict on what was acceptable after all; any other is the reason of a refusal
SHOWN = 3  # reasons of a kind


class Unexplained(Exception):
    """A refusal without a reason, or no answer at all."""


class Kind(Protocol):
    """One sort of input from outside."""

    name: str
    share: int  # of all that is sent, against the other kinds'

    def attempt(self, mutator: Mutator) -> str:
        """Sends one mutated thing: TAKEN, or the reason why it was refused. Unexplained where there is neither.

        Any other exception is a crash of what was fed.
        """


@dataclasses.dataclass
class Tally:
    """Of one kind."""

    sent: int = 0
    refused: int = 0
    taken: int = 0
    unexplained: list[str] = dataclasses.field(default_factory=list)
    crashes: list[str] = dataclasses.field(default_factory=list)
    reasons: list[str] = dataclasses.field(default_factory=list)  # a few that differ

    def count(self, kind: Kind, mutator: Mutator) -> None:
        """One attempt."""
        self.sent += 1
        try:
            reason = kind.attempt(mutator)
        except Unexplained as error:
            self.unexplained.append(str(error)[:1000])
        except Exception as error:  # whatever it is: that is what is looked for
            self.crashes.append(f"{type(error).__name__}: {error}"[:500])
        else:
            self.taken += reason == TAKEN
            self.refused += reason != TAKEN
            if reason and len(self.reasons) < SHOWN and not any(reason[:20] == other[:20] for other in self.reasons):
                self.reasons.append(reason[:200])
