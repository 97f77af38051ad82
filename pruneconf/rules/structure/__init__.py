"""Rules about what hangs together inside a model."""
