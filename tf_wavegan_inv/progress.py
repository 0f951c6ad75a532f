"""How far long work is: a bar on a terminal, lines now and then in a file or a pipe."""

import sys
import time

SECONDS_BETWEEN = 30.0  # of lines


def shows_bars():
    """Whether standard output can move back over what it wrote: a terminal or a notebook."""
    return sys.stdout.isatty() or "ipykernel" in sys.modules


class Progress:
    """A progress bar, or lines in its place, as a function of (done, total).

    Args:
        label: what is being done.
        unit: what is counted.
        below: whether another bar may stand in the line, which is left first.
    """

    def __init__(self, label, unit="clip", below=False):
        self.label, self.unit, self.below, self.show = label, unit, below, None

    def __call__(self, done, total):
        if self.show is None:
            self.show = self._bar(total) if shows_bars() else Lines(self.label, self.unit)
        self.show(done, total)

    def _bar(self, total):
        import keras

        print("\n" * self.below + f"{self.label}:")
        bar = keras.utils.Progbar(total, unit_name=self.unit, interval=0.5)

        def show(done, total):
            bar.target = total  # may change: batches that were done before count as one step each
            bar.update(done)

        return show


class Lines:
    """Prints a line at once, unless told otherwise, then one every `SECONDS_BETWEEN`, and one at the end; else as `Progress`."""

    def __init__(self, label, unit, at_once=True):
        self.label, self.unit, self.said = label, unit, None
        self.when = float("-inf") if at_once else time.monotonic()

    def __call__(self, done, total):
        now, state = time.monotonic(), (done, total)
        if state != self.said and (done == total or now - self.when >= SECONDS_BETWEEN):
            print(f"{self.label}: {done} of {total} ({self.unit})", flush=True)
            self.said, self.when = state, now
