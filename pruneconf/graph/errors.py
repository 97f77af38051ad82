"""What can be wrong with a graph file."""

from __future__ import annotations


class GraphFileError(ValueError):
    """What is wrong with the file, as the rest of a sentence that starts with its name."""


def damaged(what: str) -> GraphFileError:
    """The error for a file that is not, or no longer, a graph file."""
    return GraphFileError(f"is no model graph: {what}; write it anew with `pruneconf trace`")
