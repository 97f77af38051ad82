"""The one exception that a user of pruneconf ever needs to catch, and what to say of any other."""

from __future__ import annotations


class PruneconfError(Exception):
    """Something the user can mend; the message is one sentence that says what is wrong and what to do.

    The command line prints it on stderr and exits with status 2.
    """


def bug_report(error: Exception) -> str:
    """The sentence for a failure that no user caused."""
    return f"this is a bug in pruneconf ({type(error).__name__}: {error}); please report it with what --debug shows"


def sentence(error: Exception) -> str:
    """What a user is told of a failure, whatever it is."""
    if isinstance(error, PruneconfError):
        return str(error)
    if isinstance(error, MemoryError):
        return "not enough memory for this model or file"
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).lower()
        if error.filename is None:
            return f"cannot write the output: {reason}; send it elsewhere"
        return f"cannot use `{error.filename}`: {reason}; check the path and its permissions"
    return bug_report(error)
