"""Rules about one sub-config at a time, without a model."""
