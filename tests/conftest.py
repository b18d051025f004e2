"""Settings of every test: hypothesis without a deadline, for a timing must never decide a test."""

from hypothesis import settings

settings.register_profile("pegasus", deadline=None)
settings.load_profile("pegasus")
