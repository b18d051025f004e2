"""PostgreSQL with two synchronous standbys under the same load: single-row upserts by pgbench.

Needs the Debian packages postgresql and postgresql-contrib's pgbench. The three servers run as the
user ``postgres`` when this runs as root, since PostgreSQL refuses to.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figure import Figure, percentile
from pegasus_shell.free_port import free_ports

USER = "postgres"
CLIENTS = 64
SECONDS = 8
UPSERT = """\\set id random(1, 100000)
INSERT INTO bench VALUES (:id, repeat('v', 100))
ON CONFLICT (id) DO UPDATE SET value = EXCLUDED.value;
"""
SETTINGS = "fsync = on\nmax_connections = 200\nmax_wal_senders = 8\nshared_buffers = 64MB\n"


def programs() -> Path | None:
    """Return the folder of the newest installed version's programs, None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found and shutil.which("pgbench") else None


class Servers:
    """A primary and two standbys in a folder.

    Args:
        folder: where; belongs to the user the servers run as.
        bin_folder: of the programs.
    """

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self.folder = folder
        self._bin = bin_folder
        self.port, *self._standby_ports = free_ports(3)

    def start(self) -> None:
        """Make and start all three."""
        primary = self.folder / "primary"
        self.run("initdb", "-D", str(primary), "-A", "trust", "-U", USER)
        with (primary / "postgresql.conf").open("a") as config:
            config.write(SETTINGS)
        self._launch(primary, self.port, "")
        for number, port in enumerate(self._standby_ports, 1):
            data = self.folder / f"standby{number}"
            source = f"host={self.folder} port={self.port} user={USER} application_name=s{number}"
            self.run("pg_basebackup", "-D", str(data), "-R", "-d", source, "-X", "stream")
            self._launch(data, port, f"-c cluster_name=s{number}")
        self.sql("ALTER SYSTEM SET synchronous_standby_names = 'FIRST 2 (s1, s2)'")
        self.sql("SELECT pg_reload_conf()")
        self.sql("CREATE TABLE bench (id int PRIMARY KEY, value text)")

    def _launch(self, data: Path, port: int, options: str) -> None:
        arguments = f"-p {port} -k {self.folder} -c listen_addresses='' {options}"
        log = str(data.with_suffix(".log"))
        self.run("pg_ctl", "-D", str(data), "-l", log, "-o", arguments, "-w", "start")

    def stop(self) -> None:
        """Stop whatever runs."""
        for data in self.folder.glob("*/postmaster.pid"):
            self.run("pg_ctl", "-D", str(data.parent), "-m", "immediate", "stop")

    def sql(self, statement: str) -> None:
        """Run a statement on the primary."""
        where = ("-h", str(self.folder), "-p", str(self.port), "-U", USER, "-d", USER)
        self.run("psql", "-q", *where, "-c", statement)

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as a user it accepts."""
        command: Sequence[str] = (str(self._bin / program), *arguments)
        if os.geteuid() == 0:
            command = ("runuser", "-u", USER, "--", *command)
        done = subprocess.run(command, cwd=self.folder, capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stderr.decode(errors='replace')}")


@contextmanager
def running_servers(bin_folder: Path) -> Iterator[Servers]:
    """Run PostgreSQL in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="pegasus-tab-bench-") as name:
        if os.geteuid() == 0:
            shutil.chown(name, USER)
        servers = Servers(Path(name), bin_folder)
        try:
            servers.start()
            yield servers
        finally:
            servers.stop()


def latencies_ms(servers: Servers) -> list[float]:
    """Return the latency of each upsert, measured by pgbench at every client."""
    script = servers.folder / "upsert.sql"
    script.write_text(UPSERT)
    script.chmod(0o644)
    servers.run(
        *("pgbench", "-n", "-M", "prepared", "-f", str(script), "-T", str(SECONDS)),
        *("-c", str(CLIENTS), "-j", "2", "-l", "--log-prefix", str(servers.folder / "upserts")),
        *("-h", str(servers.folder), "-p", str(servers.port), "-U", USER, USER),
    )
    logs = servers.folder.glob("upserts.*")
    return [int(line.split()[2]) / 1e3 for log in logs for line in log.read_text().splitlines()]


def figures(_folder: Path, ours: float) -> list[Figure]:
    """Measure upserts; ``ours`` is our rate at 64 outstanding in the same run."""
    bin_folder = programs()
    if bin_folder is None:
        print("PostgreSQL is not installed (Debian: postgresql): left out")
        return []
    with running_servers(bin_folder) as servers:
        times = latencies_ms(servers)
    rate, name = len(times) / SECONDS, "PostgreSQL, 2 synchronous standbys, upserts, 64 clients"
    return [
        Figure(name, rate, "/s", None, "our PUT, 64 outstanding", ours),
        Figure(f"{name}, p99", percentile(times, 99), "ms", None, "its p50", percentile(times, 50)),
    ]
