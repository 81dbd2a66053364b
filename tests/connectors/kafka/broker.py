"""A real Apache Kafka broker (KRaft, one node) as a child process, with listeners of every kind.

Jars come through Maven once, into a cache folder outside the repository (``COUPLER_TEST_CACHE``). Nothing is skipped: a
broker that cannot start fails the test that needs it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.ports import free_ports

VERSION: Final = "4.1.1"
USERS: Final = {"alice": "alice-secret"}

_POM: Final = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>coupler</groupId><artifactId>kafka-for-tests</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""


def jars() -> Path:
    """The folder with the jars of the broker; fetched when they are not there yet."""
    root = Path(os.environ.get("COUPLER_TEST_CACHE", Path.home() / ".cache" / "coupler-tests")) / f"kafka-{VERSION}"
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "complete").exists():
            (root / "pom.xml").write_text(_POM)
            goal = ["dependency:copy-dependencies", "-DoutputDirectory=lib", "-DincludeScope=runtime"]
            subprocess.run(["mvn", "-B", "-q", *goal], cwd=root, check=True, timeout=600)
            (root / "complete").touch()
    return root / "lib"


class Broker:
    """One broker. ``kill`` is SIGKILL; ``start`` after it begins again on the same ports with the same data."""

    def __init__(self, folder: Path, stores: Mapping[str, Path], **overrides: str) -> None:
        self._folder = folder
        self._log = folder / "broker.log"
        names = ("PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL", "SSL", "CONTROLLER")
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        (folder / "server.properties").write_text(self._properties(stores, overrides))
        self._process: subprocess.Popen[bytes] | None = None
        self._format()

    def servers(self, protocol: str = "PLAINTEXT") -> str:
        """``host:port`` of the listener of a protocol."""
        return f"localhost:{self._ports[protocol]}"

    def start(self) -> None:
        """Starts it and waits until it serves."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command("kafka.Kafka", "server.properties"), cwd=self._folder, stdout=log, stderr=log
            )
        give_up_at = time.monotonic() + 120
        while b"Kafka Server started" not in self._log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError(f"Kafka did not start:\n{self._log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends it as an operator would."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Stops its work without closing a connection."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _format(self) -> None:
        scram = [
            f"SCRAM-SHA-{bits}=[name={name},password={word}]" for name, word in USERS.items() for bits in (256, 512)
        ]
        added = [part for each in scram for part in ("--add-scram", each)]
        command = self._command("kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg")
        subprocess.run(
            [*command, "-c", "server.properties", *added],
            cwd=self._folder,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=120,
        )

    def _command(self, *arguments: str) -> list[str]:
        memory = ["-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        return ["java", *memory, "-Dorg.slf4j.simpleLogger.showDateTime=true", "-cp", f"{jars()}/*", *arguments]

    def _properties(self, stores: Mapping[str, Path], overrides: Mapping[str, str]) -> str:
        ports = self._ports
        listeners = {name: f"{name}://localhost:{port}" for name, port in ports.items()}
        users = " ".join(f'user_{name}="{word}"' for name, word in USERS.items())
        plain = f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};"
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        bearer = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
        oauth = f'{bearer} required unsecuredLoginStringClaim_sub="broker";'
        properties = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@localhost:{ports['CONTROLLER']}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listeners": ",".join(listeners.values()),
            "advertised.listeners": ",".join(each for name, each in listeners.items() if name != "CONTROLLER"),
            "listener.security.protocol.map": ",".join(
                f"{name}:{'PLAINTEXT' if name == 'CONTROLLER' else name}" for name in ports
            ),
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
            "log.dirs": str(self._folder / "data"),
            "auto.create.topics.enable": "false",
            "num.partitions": "4",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(stores["server"]),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(stores["authority"]),
            "listener.name.ssl.ssl.client.auth": "required",
        }
        for listener in ("sasl_plaintext", "sasl_ssl"):
            properties[f"listener.name.{listener}.plain.sasl.jaas.config"] = plain
            properties[f"listener.name.{listener}.scram-sha-256.sasl.jaas.config"] = scram
            properties[f"listener.name.{listener}.scram-sha-512.sasl.jaas.config"] = scram
            properties[f"listener.name.{listener}.oauthbearer.sasl.jaas.config"] = oauth
        return "\n".join(f"{name}={value}" for name, value in {**properties, **overrides}.items()) + "\n"


@contextmanager
def running(folder: Path, stores: Mapping[str, Path], **overrides: str) -> Iterator[Broker]:
    """A started broker, ended at the end."""
    broker = Broker(folder, stores, **overrides)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()
