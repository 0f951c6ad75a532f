"""Progress of long work: a bar on a terminal, a line every 30 seconds in a file or a pipe."""

import sys
import time
import typing

SECONDS_BETWEEN = 30.0  # between two lines


def shows_bars() -> bool:
    """Whether standard output is a terminal or a notebook, where a bar can overwrite itself."""
    return sys.stdout.isatty() or "ipykernel" in sys.modules


class Progress:
    """Shows progress on standard output, as a function of (done, total).

    Args:
        label: str. Description of the work, shown before the bar or in each line.
        unit: str. Unit of the counts. Default "clip".
        below: bool. Whether to leave the current line first, which may hold another bar. Default False.
    """

    def __init__(self, label: str, unit: str = "clip", *, below: bool = False):
        self.label = label
        self.unit = unit
        self.below = below
        self.show: typing.Callable[[int, int], None] | None = None

    def __call__(self, done: int, total: int) -> None:
        if self.show is None:
            self.show = self._bar(total) if shows_bars() else Lines(self.label, self.unit)
        self.show(done, total)

    def _bar(self, total):
        import tqdm

        print("\n" * self.below + f"{self.label}:")
        bar = tqdm.tqdm(total=total, unit=self.unit, file=sys.stdout, dynamic_ncols=True)

        def show(done, total):
            bar.total = total  # may change: a batch restored from disk counts as one step
            bar.update(done - bar.n)
            if done == total:
                bar.close()

        return show


class Lines:
    """Prints a line every `SECONDS_BETWEEN` seconds and one at the end, as a function of (done, total).

    Args:
        label: str. Description of the work.
        unit: str. Unit of the counts.
        at_once: bool. Whether to print the first line immediately. Default True.
    """

    def __init__(self, label: str, unit: str, *, at_once: bool = True):
        self.label = label
        self.unit = unit
        self.printed: tuple[int, int] | None = None
        self.time = float("-inf") if at_once else time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now, counts = time.monotonic(), (done, total)
        if counts != self.printed and (done == total or now - self.time >= SECONDS_BETWEEN):
            print(f"{self.label}: {done} of {total} ({self.unit})", flush=True)
            self.printed = counts
            self.time = now
