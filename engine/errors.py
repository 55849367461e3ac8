"""What a user can mend is raised as `UserError`; everything else is a bug and keeps its traceback."""


class UserError(Exception):
    """Bad input: one clear sentence that names the file and the mend. Command lines exit with code 2."""
