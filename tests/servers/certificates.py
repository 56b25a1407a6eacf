"""A certificate authority for one test run, and certificates signed by it."""

from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import run

LOOPBACK_NAMES = ("DNS:localhost", "IP:127.0.0.1", "IP:::1")

_NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"


@dataclass(frozen=True, slots=True)
class Certificate:
    certificate_file: Path
    key_file: Path


@dataclass(frozen=True, slots=True)
class Authority:
    """Who the clients of the tests trust: ``ca_file``."""

    folder: Path

    @classmethod
    def create(cls, folder: Path) -> "Authority":
        authority = cls(folder)
        authority._openssl(
            f"req -x509 {_NEW_KEY} -days 30 -subj /CN=authority -keyout ca.key -out ca.pem"
            " -addext keyUsage=critical,keyCertSign,cRLSign"
        )
        return authority

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def certify(self, *names: str, label: str = "server", days: int = 30) -> Certificate:
        """Sign a certificate for names such as ``DNS:localhost`` or ``IP:127.0.0.1``."""
        (self.folder / f"{label}.ext").write_text(
            f"subjectAltName={','.join(names)}\nextendedKeyUsage=serverAuth\n"
            "basicConstraints=CA:FALSE\n"
            "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        )
        self._openssl(
            f"req -new {_NEW_KEY} -subj /CN={label} -keyout {label}.key -out {label}.csr"
        )
        self._openssl(
            f"x509 -req -in {label}.csr -CA ca.pem -CAkey ca.key -CAcreateserial"
            f" -days {days} -extfile {label}.ext -out {label}.pem"
        )
        return Certificate(self.folder / f"{label}.pem", self.folder / f"{label}.key")

    def _openssl(self, words: str) -> None:
        run(["openssl", *words.split()], folder=self.folder)
