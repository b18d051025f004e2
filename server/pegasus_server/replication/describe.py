"""One stable line for every effect and state of a replica; traces, logs and golden scripts share it."""

from pegasus_server.replication.effects import AppendLog, Apply, PrimaryEffect, Refuse
from pegasus_server.replication.primary import Primary


def describe_effect(effect: PrimaryEffect) -> str:
    """Render an effect as its verb, its position and what it carries."""
    match effect:
        case AppendLog():
            keys = b" ".join([key for key, _ in effect.changes])
            text = keys.decode("ascii", "backslashreplace")
            return f"append {effect.ballot}.{effect.decree} at={effect.timestamp_us} {text}"
        case Apply():
            return f"apply {effect.decree} for {' '.join(map(str, effect.tokens))}"
        case Refuse():
            return f"refuse {effect.token} {effect.error}"


def describe_primary(primary: Primary) -> str:
    """Render a primary's watermarks."""
    return (
        f"{primary.gpid} ballot={primary.ballot} applied={primary.applied} "
        f"committed={primary.committed} prepared={primary.prepared} "
        f"collecting={primary.collecting}"
    )
