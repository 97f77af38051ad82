"""Rules about which sub-config has the last word."""
