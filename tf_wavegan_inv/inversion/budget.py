"""Limits of a search: iterations and seconds."""

import dataclasses
import math
import time


@dataclasses.dataclass(frozen=True)
class Budget:
    """Limits of a search. The time starts when the budget is made.

    Attributes:
        iterations: int or None. Largest number of iterations of one search; None for no limit.
            Default None.
        seconds: float or None. Wall-clock limit; None for no limit. Default None.

    Example:
        >>> budget = Budget(200, seconds=10.0)
        >>> first = recover(clips, budget=budget.share(0.5))  # at most 5 s
        >>> then = optimise(clips, budget=budget.rest())      # what is left of 10 s
    """

    iterations: int | None = None
    seconds: float | None = None
    deadline: float = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self):
        seconds = math.inf if self.seconds is None else self.seconds
        object.__setattr__(self, "deadline", time.monotonic() + seconds)

    @property
    def left(self) -> float | None:
        """Seconds that are left, 0 or more; None for no limit."""
        return None if self.seconds is None else max(self.deadline - time.monotonic(), 0.0)

    @property
    def over(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() > self.deadline

    def share(self, part: float) -> "Budget":
        """A budget of the same iterations, and of a part of the seconds that are left."""
        left = self.left
        return Budget(self.iterations, None if left is None else part * left)

    def rest(self) -> "Budget":
        """A budget of the same iterations, and of all the seconds that are left."""
        return self.share(1.0)

    def at_most(self, iterations: int) -> "Budget":
        """A budget of all the seconds that are left, and of `iterations` at most."""
        fewest = iterations if self.iterations is None else min(iterations, self.iterations)
        return Budget(fewest, self.left)


UNLIMITED = Budget()
