"""Rules about selectors: whether they select what they say."""
