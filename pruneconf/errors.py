"""The one exception that a user of pruneconf ever needs to catch."""


class PruneconfError(Exception):
    """Something the user can mend; the message is one sentence that says what is wrong and what to do.

    The command line prints it on stderr and exits with status 2.
    """
