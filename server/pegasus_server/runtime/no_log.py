"""In place of a log on servers without one."""

from collections.abc import Callable

from pegasus_server.mutation_log.mutation import Mutation


class NoLog:
    """The log of a server that has no replicas; it is never asked for anything."""

    @property
    def refusal(self) -> str | None:
        """Say why nothing can be written."""
        return "this server holds no data"

    def submit(self, mutation: Mutation, done: Callable[[], None]) -> None:
        """Refuse: no replica can have got here."""
        raise AssertionError(f"a server without replicas was to log {mutation}, {done}")
