"""From a user's model to a model graph."""
