"""The one exception that a command turns into a line on stderr and exit status 2."""


class UserError(Exception):
    """Something that the person at the keyboard can mend.

    Its message is one line that names what is wrong and what to do about it.
    """
