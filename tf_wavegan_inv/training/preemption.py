"""Stopping when asked to: SIGTERM from a scheduler, SIGINT from the keyboard."""

import signal
import threading

from tf_wavegan_inv.errors import StoppedError

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Preemption:
    """Within its block a signal to stop is only noted, so that training can save first; a second one stops at once.

    Args:
        workers: `Workers`, which stop together.

    Attributes:
        signal: number of the signal that all workers know of; None so far.
    """

    def __init__(self, workers):
        self.workers, self.signal, self._received, self._before = workers, None, None, {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():  # Python receives signals nowhere else
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *exception):
        ended = exception == (None, None, None)
        if ended:
            self.agree()
        for number, handler in self._before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        if ended and self.signal:  # after the last step: what comes next is not begun
            raise StoppedError(f"Stopped by {signal.Signals(self.signal).name}; the same command resumes.", 128 + self.signal)

    def _note(self, number, frame):
        if self._received is not None:
            raise KeyboardInterrupt
        self._received = number

    def agree(self):
        """Learn whether any worker was asked to stop; called by all of them after the same step."""
        if self.workers.any(self._received is not None):
            self.signal = self._received or signal.SIGTERM

    def stop(self, folder, step):
        """Raise the `StoppedError` that ends training; `step` is the last that was saved in `folder`."""
        name = signal.Signals(self.signal).name
        raise StoppedError(f"Stopped by {name}; the same command resumes from step {step} ({folder}).", 128 + self.signal)
