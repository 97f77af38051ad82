"""Validator, linter and reference pruner for neural-network pruning configs."""
