"""Rules about keys of NNI and of other pruners."""
