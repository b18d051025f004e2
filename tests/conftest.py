"""Settings of every test: hypothesis without a deadline, for a timing must never decide a test."""

import signal

from hypothesis import settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Whoever runs the suite in the background ignores SIGINT for it, and children inherit that;
    # tests of Ctrl-C need it back.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("pegasus", deadline=None)
settings.load_profile("pegasus")
