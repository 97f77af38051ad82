"""Generated texts differ much in size, and the machines that test them in speed: no example has a deadline."""

from hypothesis import settings

settings.register_profile("documents", deadline=None)
settings.load_profile("documents")
