"""One stable line for every message, effect and state; traces, logs and golden scripts share it."""

from collections.abc import Sequence

from pegasus_server.replication.effects import (
    Abandon,
    AppendLog,
    Apply,
    CancelLearning,
    CopyFiles,
    DescribeSources,
    DiscardData,
    Effect,
    Install,
    PersistBallot,
    Quarantine,
    Refuse,
    ReportToMeta,
    Send,
    StartCheckpoint,
    StatusChanged,
)
from pegasus_server.replication.messages import (
    GroupCheck,
    GroupCheckAck,
    LearnAnswer,
    LearnCompleted,
    LearnFile,
    LearnRequest,
    Message,
    Prepare,
    PrepareAck,
    Stale,
)
from pegasus_server.replication.mutation import Change, Mutation
from pegasus_server.replication.primary import Primary
from pegasus_server.replication.replica import Replica
from pegasus_tab.base.cluster import ConfigQuery, ConfigUpdate, PartitionConfig, ReplicaReport


def describe_effect(effect: Effect) -> str:
    """Render an effect as its verb, its position and what it carries."""
    match effect:
        case AppendLog():
            text = _keys(effect.changes)
            return f"append {effect.ballot}.{effect.decree} at={effect.timestamp_us} {text}"
        case Apply():
            tokens = "".join([f" {token}" for token in effect.tokens])
            return f"apply {effect.decree}" + (f" for{tokens}" if tokens else "")
        case Refuse():
            return f"refuse {effect.token} {effect.error}"
        case Abandon():
            return f"abandon {effect.token}"
        case Send():
            return f"-> {' '.join(effect.to)} {describe_message(effect.message)}"
        case PersistBallot():
            signature = f" signature={effect.signature}" if effect.signature else ""
            return f"persist ballot={effect.ballot}{signature}{' suspect' * effect.suspect}"
        case ReportToMeta():
            return f"-> meta {_meta(effect.message)}"
        case StatusChanged():
            return f"is {effect.status} ballot={effect.ballot}"
        case _:
            return _describe_learning_effect(effect)


def _describe_learning_effect(
    effect: DescribeSources
    | StartCheckpoint
    | CopyFiles
    | Install
    | DiscardData
    | CancelLearning
    | Quarantine,
) -> str:
    match effect:
        case DescribeSources():
            return f"describe-sources {effect.node} round={effect.round} first={effect.first}"
        case StartCheckpoint():
            return "start-checkpoint"
        case CopyFiles():
            return f"copy {_files(effect.files)} from {effect.source}"
        case Install():
            return f"install {effect.mode} {_files(effect.files)} through={effect.through}"
        case DiscardData():
            return "discard-data"
        case CancelLearning():
            return "cancel-learning"
        case Quarantine():
            return f"quarantine: {effect.reason}"


def describe_message(message: Message) -> str:
    """Render a message as its name and its fields."""
    match message:
        case Prepare():
            learner = f" signature={message.signature}" if message.signature else ""
            return f"prepare {_place(message.mutation)} committed={message.committed}{learner}"
        case PrepareAck():
            learner = f" signature={message.signature}" if message.signature else ""
            return f"prepare-ack {message.outcome} {message.ballot}.{message.decree}{learner}"
        case Stale():
            return f"stale ballot={message.ballot}"
        case GroupCheck():
            return f"group-check {describe_config(message.config)} committed={message.committed}"
        case GroupCheckAck():
            return (
                f"group-check-ack ballot={message.ballot} {message.status} "
                f"committed={message.committed} prepared={message.prepared}"
            )
        case LearnRequest():
            return (
                f"learn-request ballot={message.ballot} signature={message.signature} "
                f"round={message.round} committed={message.committed}"
            )
        case LearnAnswer():
            return _learn_answer(message)
        case LearnCompleted():
            return (
                f"learn-completed ballot={message.ballot} signature={message.signature} "
                f"join={message.join}"
            )


def _learn_answer(answer: LearnAnswer) -> str:
    words = [f"learn-answer {answer.mode} ballot={answer.ballot} round={answer.round}"]
    if answer.join is not None:
        words.append(f"join={answer.join}")
    if answer.files:
        words.append(f"files={_files(answer.files)} through={answer.through}")
    if answer.mutations:
        words.append("mutations=" + ",".join(_place(each) for each in answer.mutations))
    return " ".join(words)


def describe_config(config: PartitionConfig) -> str:
    """Render a configuration as {ballot, primary, [secondaries], [learners]}."""
    learners = "".join(f" learner={each.node}/{each.signature}" for each in config.learners)
    return f"{{{config.ballot},{config.primary or '-'},[{','.join(config.secondaries)}]{learners}}}"


def _meta(message: ConfigUpdate | ConfigQuery | ReplicaReport) -> str:
    match message:
        case ConfigUpdate():
            config = describe_config(message.new_config)
            return f"config-update {message.reason} {message.node} {config}"
        case ConfigQuery():
            return "config-query"
        case ReplicaReport():
            suspect = " suspect" if message.suspect else ""
            return (
                f"report {message.status} ballot={message.ballot} durable={message.durable} "
                f"applied={message.applied} committed={message.committed} "
                f"prepared={message.logged_ballot}.{message.prepared}{suspect}"
            )


def _place(mutation: Mutation) -> str:
    return f"{mutation.ballot}.{mutation.decree}"


def _keys(changes: Sequence[Change]) -> str:
    keys = b" ".join([key for key, _ in changes])
    return keys.decode("ascii", "backslashreplace") or "NOOP"


def _files(files: tuple[LearnFile, ...]) -> str:
    return ",".join(each.name for each in files)


def describe_primary(primary: Primary) -> str:
    """Render a primary's watermarks."""
    return (
        f"{primary.gpid} ballot={primary.ballot} applied={primary.applied} "
        f"committed={primary.committed} prepared={primary.prepared} "
        f"collecting={primary.collecting}"
    )


def describe_replica(replica: Replica) -> str:
    """Render a replica's status and watermarks."""
    mutations = replica.state.mutations
    watermarks = (
        f"applied={mutations.applied} committed={mutations.committed} "
        f"logged={mutations.logged} prepared={mutations.prepared}"
    )
    words = [f"{replica.node} {replica.status} ballot={replica.ballot} {watermarks}"]
    if replica.is_lapsed:
        words.append("lapsed")
    if replica.learner is not None:
        words.append(f"learning={replica.learner.phase}")
    return " ".join(words)
