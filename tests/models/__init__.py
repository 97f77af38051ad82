"""Models that tests trace: known architectures, small enough for a test."""
