"""SET and RESET: session settings, checked by the planner."""

from dataclasses import dataclass

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.result import ResultSet
from pegasus_tab.sql.plan_nodes import SetOption


@dataclass(frozen=True, slots=True)
class SetExecutor:
    """Carries one SET out."""

    plan: SetOption

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:  # noqa: ARG002 -- as all executors
        """Change the session's setting; None brings the default back."""
        if self.plan.value is None:
            context.settings.pop(self.plan.name, None)
        else:
            context.settings[self.plan.name] = self.plan.value
        return ResultSet.of_change(-1)
