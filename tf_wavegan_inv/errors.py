"""The one exception for mistakes a user can mend."""


class UserError(ValueError):
    """Something the user gave cannot be used; the message says what was received and what to do.

    The commands print the message without a traceback and exit with code 2.
    """


class StoppedError(Exception):
    """Training stopped before its end, with its state saved, because it was asked to or has lost a worker.

    Attributes:
        code: for the process to exit with.
    """

    def __init__(self, message, code):
        super().__init__(message)
        self.code = code
