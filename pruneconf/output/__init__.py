"""Findings and plans as text and data."""
