"""The one error that a user of PerturbKG is meant to see."""


class InputError(Exception):
    """A bad input: one line that names the file, row or key, what is wrong, and the remedy.

    Scripts and the command line print its message alone and exit with status 1; every other
    exception is a defect of the program and keeps its traceback.
    """
