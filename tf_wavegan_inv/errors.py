"""The one exception for mistakes a user can mend."""


class UserError(ValueError):
    """Something the user gave cannot be used; the message says what was received and what to do.

    The commands print the message without a traceback and exit with code 2.
    """
