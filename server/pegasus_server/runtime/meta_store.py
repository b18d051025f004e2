"""What drives the meta machine sees of a store: ask, and get the answer later in the same thread."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from pegasus_server.meta.store_effects import StoreEffect
from pegasus_server.meta.store_inputs import StoreInput
from pegasus_server.runtime.background import RunInBackground


class MetaStore(Protocol):
    """A store of meta's."""

    def ask(self, effect: StoreEffect, answer: Callable[[StoreInput], None]) -> None:
        """Read or write; the answer comes once, or never if the term of this leader is over."""


class BackgroundStore:
    """A store whose calls block, asked in another thread, one call after another.

    Args:
        perform: carries an effect out, blocking.
        run_in_background: runs it.
        on_fatal: it raised; the text says why.
    """

    def __init__(
        self,
        perform: Callable[[StoreEffect], StoreInput],
        run_in_background: RunInBackground,
        on_fatal: Callable[[str], None],
    ) -> None:
        self._perform = perform
        self._run_in_background = run_in_background
        self._on_fatal = on_fatal

    def ask(self, effect: StoreEffect, answer: Callable[[StoreInput], None]) -> None:
        """Read or write."""
        self._run_in_background(
            partial(self._perform, effect),
            answer,
            lambda error: self._on_fatal(f"the store failed: {error}"),
        )
