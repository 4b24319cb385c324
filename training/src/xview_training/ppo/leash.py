"""How strongly PPO is held to the reference policy: a coefficient that decays, or follows a wished KL."""

from __future__ import annotations

import dataclasses

from xview_training import ranges

ADJUSTMENT = 1.5  # as Schulman et al. 2017 (section 4) adapt theirs
MOST = 10.0  # an adaptive coefficient
# ... and the least, as a share of the first. The KL of a policy that has just begun is small whatever holds it: without
# a floor the coefficient fell to a tenth while the policy set out, the KL came to twice the wished one, and the leash
# was as strong as before only fifteen iterations later.
LEAST_SHARE = 0.25


@dataclasses.dataclass(frozen=True)
class LeashConfig:
    """The coefficient of KL(pi || pi_ref)."""

    coefficient: float = 0.2
    decay: float = 0.9995  # an iteration
    # Nats; above zero the coefficient follows it instead of decaying. At a fixed 0.05 the KL drifted to 0.35.
    target: float = 0.0

    def __post_init__(self) -> None:
        ranges.at_least(0, self, "coefficient", "decay", "target")
        if self.target > 0 and self.coefficient == 0:
            raise ValueError("target: a coefficient that begins at 0 cannot follow it: expected a target of 0, too")


class Leash:
    """The present coefficient. It belongs into checkpoints: a resumed run must not start at the first one again."""

    def __init__(self, config: LeashConfig):
        self.config = config
        self.coefficient = config.coefficient

    def advance(self, measured: float) -> None:
        """An iteration is over, in which the KL was `measured` nats."""
        if self.config.target <= 0:
            self.coefficient *= self.config.decay
        elif measured > ADJUSTMENT * self.config.target:
            self.coefficient = min(MOST, self.coefficient * ADJUSTMENT)
        elif measured < self.config.target / ADJUSTMENT:
            self.coefficient = max(LEAST_SHARE * self.config.coefficient, self.coefficient / ADJUSTMENT)
