"""The ZooKeeper of a onebox: one server on loopback, from the packages of the machine.

It is no program of ours, so it does not lock its folder itself: it inherits the descriptor of a
file that is locked when it is started, and the lock ends with it, as that of every other server.
"""

import fcntl
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pegasus_shell.onebox_server import OneboxError, Server

JAR = Path("/usr/share/java/zookeeper.jar")
LOGGING_JAR = JAR.with_name("slf4j-simple.jar")
MAIN_CLASS = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
JAVA_OPTIONS = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # it starts in half the time, and has little to do
    "-Dzookeeper.preAllocSize=1024",  # kibibytes; the default makes every log 64 MiB
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)


@dataclass(frozen=True, slots=True)
class ZooKeeperServer(Server):
    """A ZooKeeper server of its own."""

    def write_config(self) -> None:
        """Write its configuration."""
        data = self.folder / self.name
        lines = {
            "tickTime": 2000,
            "dataDir": data / "data",
            "clientPort": self.port,
            "clientPortAddress": "127.0.0.1",
            "admin.enableServer": "false",
            "maxClientCnxns": 0,
        }
        self.config.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))

    def start(self) -> subprocess.Popen[bytes]:
        """Start it in a session of its own, so that it outlives the terminal.

        Raises:
            OneboxError: it is not installed; says what to install.
        """
        command = [*_java_command(), str(self.config)]
        lock_path = self.folder / self.name / "node.lock"
        lock_path.parent.mkdir(exist_ok=True)
        with (
            (self.folder / f"{self.name}.output").open("ab") as output,
            lock_path.open("a+") as lock,
        ):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OneboxError(f"{self.name} runs already") from error
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=(lock.fileno(),),
            )
            lock.truncate(0)
            lock.write(json.dumps({"pid": process.pid}))
            return process


def require_zookeeper() -> None:
    """Make sure that ZooKeeper can be started.

    Raises:
        OneboxError: it is not installed; says what to install.
    """
    _java_command()


def _java_command() -> list[str]:
    """Return how to start a ZooKeeper server, up to its configuration.

    Raises:
        OneboxError: it is not installed.
    """
    java = shutil.which("java")
    if java is None or not JAR.exists():
        missing = "a Java runtime" if java is None else str(JAR)
        raise OneboxError(
            f"ZooKeeper cannot be started: {missing} is missing; install it (Debian: apt-get "
            "install zookeeper default-jre-headless), or start without --zookeeper"
        )
    return [java, *JAVA_OPTIONS, "-cp", f"{JAR}:{LOGGING_JAR}", MAIN_CLASS]
