"""Stopping when asked to: SIGTERM from a scheduler, SIGINT from the keyboard."""

import signal
import threading

from tf_wavegan_inv.errors import StoppedError

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Preemption:
    """Within its block a signal to stop is only noted, so that training can save first; a second one stops at once.

    Attributes:
        signal: number of the signal that came; None so far.
    """

    def __init__(self):
        self.signal, self._before = None, {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():  # Python hears signals nowhere else
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *exception):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number, frame):
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number

    def stop(self, folder, step):
        """Raise the `StoppedError` that ends training; `step` is the last that was saved in `folder`."""
        name = signal.Signals(self.signal).name
        raise StoppedError(f"Stopped by {name}; the same command goes on from step {step} ({folder}).", 128 + self.signal)
