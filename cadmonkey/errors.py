"""The errors that people see: one line that says where, what was expected, what was got, and the remedy."""


class CadmonkeyError(Exception):
    """Any failure that CadMonkey explains itself; commands print it on one line, without a traceback."""

    exit_status = 1


class InputError(CadmonkeyError, ValueError):
    """Something the user gave is wrong; commands exit with status 2."""

    exit_status = 2


class RunError(CadmonkeyError, RuntimeError):
    """The machine or a stage failed (full disk, a stage's file is missing); commands exit with status 1."""
