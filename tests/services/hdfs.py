"""A real HDFS of one NameNode and one DataNode on loopback, each a process that can be killed."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

from pegasus_tab.base.errors import Error
from pegasus_tab.export.filesystem import Target, open_target
from tests.integration.server_process import free_port

JARS = Path(
    os.environ.get("PEGASUS_TAB_HADOOP", Path.home() / ".cache" / "pegasus-tab" / "hadoop-2.7.3")
)
JERSEY = [Path(f"/usr/share/java/jersey1-{part}.jar") for part in ("core", "server", "servlet")]
START_SECONDS_MAX = 90.0
_NAMES = "org.apache.hadoop.hdfs.server.namenode.NameNode"
_DATA = "org.apache.hadoop.hdfs.server.datanode.DataNode"
_OPENED = ("java.base/java.lang", "java.base/java.nio", "java.base/sun.nio.ch")
_WEB = ("hdfs", "datanode", "secondary", "static")


class Hdfs:
    """One cluster in a folder.

    Attributes:
        url: of its root, without a slash at the end.
        processes: by "names" and "data".
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"hdfs://127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for name in _WEB:
            (folder / "classes" / "webapps" / name).mkdir(parents=True)
        (folder / "conf").mkdir()
        self.write_settings(folder / "conf" / "core-site.xml", {"fs.defaultFS": self.url})
        addresses = {
            key: f"127.0.0.1:{free_port()}"
            for key in (
                "dfs.namenode.http-address",
                "dfs.datanode.address",
                "dfs.datanode.ipc.address",
                "dfs.datanode.http.address",
            )
        }
        self.write_settings(
            folder / "conf" / "hdfs-site.xml",
            {
                **addresses,
                "dfs.replication": "1",
                "dfs.webhdfs.enabled": "false",
                "dfs.permissions.enabled": "true",  # whoever starts it may do everything
                "dfs.namenode.name.dir": f"file://{folder}/names",
                "dfs.datanode.data.dir": f"file://{folder}/data",
                "dfs.namenode.safemode.extension": "0",
                "dfs.heartbeat.interval": "1",
                "dfs.namenode.heartbeat.recheck-interval": "1000",
            },
        )

    @staticmethod
    def write_settings(path: Path, settings: dict[str, str]) -> None:
        """Write a file of settings as Hadoop has them."""
        lines = "".join(
            f"<property><name>{key}</name><value>{value}</value></property>"
            for key, value in settings.items()
        )
        path.write_text(f"<configuration>{lines}</configuration>")

    def _command(self, main: str, *arguments: str) -> list[str]:
        path = [self.folder / "conf", self.folder / "classes", JARS / "*", *JERSEY]
        opened = [f"--add-opens={package}=ALL-UNNAMED" for package in _OPENED]
        return ["java", "-Xmx256m", *opened, "-cp", ":".join(map(str, path)), main, *arguments]

    def start(self, which: str) -> None:
        """Start the server of names or of data; it listens a few seconds later."""
        with (self.folder / f"{which}.log").open("ab") as log:
            self.processes[which] = subprocess.Popen(
                self._command(_NAMES if which == "names" else _DATA), stdout=log, stderr=log
            )

    def await_ready(self) -> None:
        """Wait until a file can be written."""
        target = open_target(f"{self.url}/ready")
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            reason = _fault(target)
            if not reason:
                return
            assert time.monotonic() < deadline, f"{reason}\n{self.printed()}"
            time.sleep(0.2)

    def kill(self, which: str) -> None:
        """End a server with SIGKILL."""
        process = self.processes.pop(which)
        process.kill()
        process.wait(30)

    def pause(self, which: str) -> None:
        """Stop a server: its port stays open, nothing is answered."""
        self.processes[which].send_signal(signal.SIGSTOP)

    def resume(self, which: str) -> None:
        """Let it go on."""
        self.processes[which].send_signal(signal.SIGCONT)

    def printed(self) -> str:
        """Return the last words of both servers."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text()[-3000:]}" for log in logs)

    def __enter__(self) -> Self:
        formatted = subprocess.run(
            self._command(_NAMES, "-format", "-force", "-nonInteractive"),
            capture_output=True,
            check=False,
        )
        assert formatted.returncode == 0, formatted.stderr.decode()[-3000:]
        self.start("names")
        self.start("data")
        try:
            self.await_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for which in list(self.processes):
            self.kill(which)


def _fault(target: Target) -> str:
    """Write a file; return what went wrong, nothing when nothing did."""
    try:
        target.remove("file")
        target.write("temporary", "file", b"content")
    except Error as error:
        return str(error)
    return ""
