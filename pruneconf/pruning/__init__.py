"""The reference pruner."""
