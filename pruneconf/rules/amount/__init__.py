"""Rules about ratios and how much they take."""
