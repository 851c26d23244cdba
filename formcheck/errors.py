"""The one error that reaches a person: a sentence that says what is wrong and what to do."""


class FormcheckError(Exception):
    """Something the person at the keyboard can put right.

    The message is one plain sentence, shown as it stands on standard error; the command line turns it
    into exit status 2. Programming mistakes are never wrapped in it.
    """
