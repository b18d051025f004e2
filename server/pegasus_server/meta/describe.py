"""One stable line for every message, effect and state of meta; traces, logs and scripts share it."""

from collections.abc import Iterable

from pegasus_server.meta.cluster_effects import ClusterEffect, Resign, Send
from pegasus_server.meta.diagnosis import Diagnosis
from pegasus_server.meta.effects import Reply
from pegasus_server.meta.failure_detector import Node
from pegasus_server.meta.guardian import Guardian
from pegasus_server.meta.messages import (
    Bye,
    FromMeta,
    Stored,
    StoredRequest,
    SyncRequest,
    TableNotice,
    ToMeta,
)
from pegasus_server.meta.partition import PartitionRecord
from pegasus_server.meta.store_effects import LoadStore, PersistConfig, PersistTables, ReadConfig
from pegasus_tab.base.cluster import (
    Beacon,
    BeaconAck,
    ConfigNotice,
    ConfigProposal,
    ConfigQuery,
    ConfigSync,
    ConfigSyncReply,
    ConfigUpdate,
    ConfigUpdateReply,
    PartitionConfig,
    ReplicaReport,
)
from pegasus_tab.base.ids import Gpid


def describe_config(config: PartitionConfig) -> str:
    """Render a configuration as {ballot, primary, [secondaries]}."""
    return f"{{{config.ballot}, {config.primary or '-'}, [{', '.join(config.secondaries)}]}}"


def describe_record(record: PartitionRecord) -> str:
    """Render a stored partition."""
    drops = ", ".join(f"{each.node}@{each.ballot}" for each in record.drops)
    return describe_config(record.config) + (f" dropped {drops}" if drops else "")


def describe_report(report: ReplicaReport) -> str:
    """Render a replica's account of itself."""
    suspect = " suspect" if report.suspect else ""
    return (
        f"{report.gpid} {report.status}{suspect} ballot={report.ballot} "
        f"committed={report.committed} prepared={report.prepared}@{report.logged_ballot}"
    )


def describe_message(message: ToMeta | FromMeta) -> str:
    """Render a message between meta and a replica server."""
    match message:
        case Beacon():
            return f"Beacon incarnation={message.incarnation} sent={message.sent_us}"
        case BeaconAck() if message.is_leader:
            return f"BeaconAck epoch={message.epoch} sent={message.sent_us}"
        case BeaconAck():
            return f"BeaconAck ask {message.forward or 'another'}"
        case Bye():
            return f"Bye incarnation={message.incarnation}"
        case ConfigUpdate():
            wanted = describe_config(message.new_config)
            return f"ConfigUpdate {message.gpid} {message.reason} {message.node} {wanted}"
        case ConfigUpdateReply():
            word = "accepted" if message.accepted else "refused"
            return f"ConfigUpdateReply {message.gpid} {word} {describe_config(message.config)}"
        case ConfigProposal():
            config = describe_config(message.config)
            return f"ConfigProposal {message.gpid} {message.kind} {message.node} {config}"
        case ConfigNotice():
            return f"ConfigNotice {message.gpid} {describe_config(message.config)}"
        case _:
            return _describe_account(message)


def _describe_account(
    message: ConfigQuery
    | ConfigSync
    | ConfigSyncReply
    | ReplicaReport
    | Stored
    | SyncRequest
    | StoredRequest
    | TableNotice,
) -> str:
    match message:
        case ConfigQuery():
            return f"ConfigQuery {message.gpid}"
        case ConfigSync():
            held = "; ".join(map(describe_report, message.reports))
            return f"ConfigSync survey={message.survey} [{held}]"
        case ConfigSyncReply():
            told = "; ".join(
                f"{each.gpid} {describe_config(each.config)}" for each in message.notices
            )
            purged = f" purged [{_listed(message.purged)}]" if message.purged else ""
            return f"ConfigSyncReply [{told}] garbage [{_listed(message.garbage)}]{purged}"
        case ReplicaReport():
            return f"ReplicaReport {describe_report(message)}"
        case Stored():
            return f"Stored {len(message.reports)} replicas of {len(message.tables)} tables"
        case SyncRequest():
            return f"SyncRequest {message.survey}"
        case StoredRequest():
            return "StoredRequest"
        case TableNotice():
            status = message.status.name.lower()
            return f"TableNotice {message.app_id} {message.name} {status}"


def describe_effect(effect: ClusterEffect) -> str:
    """Render what meta asks for."""
    match effect:
        case Send():
            return f"-> {effect.to} {describe_message(effect.message)}"
        case Reply():
            told = "\n".join(
                [effect.hint] * bool(effect.hint) + [str(each) for each in effect.moves]
            )
            return f"reply {effect.token} {effect.error}" + (f" ({told})" if told else "")
        case Resign():
            return f"resign: {effect.reason}"
        case LoadStore():
            return "load store"
        case PersistConfig():
            at = "new" if effect.expected_version is None else f"v{effect.expected_version}"
            return f"persist {effect.gpid} {at} {describe_record(effect.record)}"
        case ReadConfig():
            return f"read {effect.gpid}"
        case PersistTables():
            written = ", ".join(
                f"{each.app_id} {each.name} {each.status.name.lower()}"
                for each in effect.written.values()
            )
            removed = f" removed {_listed(effect.removed)}" if effect.removed else ""
            level = "" if effect.level is None else f" level {effect.level.name.lower()}"
            return f"persist tables v{effect.expected_version} [{written}]{removed}{level}"
        case _:
            return "read tables"


def describe_node(node: Node) -> str:
    """Render a replica server as meta sees it."""
    state = "alive" if node.is_alive else "dead"
    stability = " unstable" if node.is_unstable else ""
    return f"{node.name} {state}{stability} incarnation={node.incarnation} host={node.host_label}"


def describe_partition(guardian: Guardian, gpid: Gpid) -> str:
    """Render a partition: what stands, and what it waits for."""
    watch = guardian.ward.watch(gpid)
    gone = " primary gone" if watch.gone_us is not None else ""
    reason = f": {watch.reason}" if watch.reason else ""
    return f"{gpid} {describe_record(guardian.ward.partitions.record(gpid))}{gone}{reason}"


def describe_diagnosis(diagnosis: Diagnosis) -> list[str]:
    """Render a partition that is not whole, one line, and its evidence, one line a server."""
    lines = [f"{diagnosis.gpid}: {diagnosis.reason}"]
    for each in diagnosis.evidence:
        state = "alive" if each.is_alive else "dead"
        account = "no account" if each.report is None else describe_report(each.report)
        lines.append(f"  {each.node} {state} member@{each.member_ballot} {account}")
    return lines


def _listed(items: Iterable[object]) -> str:
    return ", ".join(map(str, items))
