"""Debian packages that conflict with Dovecot's: fetched and unpacked, never installed."""

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tests.servers.process import (
    ServerFailed,
    ServerUnavailable,
    run,
    unprivileged_owner,
)

CHECKOUT = Path(__file__).resolve().parents[2]


def cache_folder() -> Path:
    """Where the unpacked servers are kept from one run to the next."""
    chosen = os.environ.get("MAILVAULT_TEST_CACHE")
    if chosen:
        return Path(chosen).resolve()
    if _may_be_entered(CHECKOUT):
        return CHECKOUT / ".cache" / "servers"
    return Path("/var/cache/mailvault-tests")  # root with a checkout that only root may enter


def unpacked(
    server: str,
    packages: Sequence[str],
    programs: Sequence[str],
    *,
    optional: Sequence[str] = (),
) -> Path:
    """Give the folder with a server's unpacked packages; fill it when called first.

    The libraries that ``programs`` miss are found by themselves. Packages that are
    ``optional`` exist in some releases only.
    """
    cache = cache_folder()
    root = cache / server
    if (root / ".complete").exists():
        return root
    (cache / "debs").mkdir(parents=True, exist_ok=True)
    if not _may_be_entered(cache):
        owner = unprivileged_owner().name
        raise ServerFailed(f"{cache} cannot be entered by {owner}: set MAILVAULT_TEST_CACHE")
    with locked(cache / f"{server}.lock"):
        if not (root / ".complete").exists():
            _fetch(packages, cache / "debs")
            found = [name for name in optional if _is_fetched(name, cache / "debs")]
            _fill(root, cache / "debs", [*packages, *found], programs)
    return root


def library_path(root: Path) -> str:
    """What LD_LIBRARY_PATH must be for the programs below ``root``."""
    return ":".join(
        sorted({str(path.parent) for path in root.rglob("*.so*") if path.is_file()})
    )


def _fill(root: Path, debs: Path, packages: Sequence[str], programs: Sequence[str]) -> None:
    shutil.rmtree(root, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f".{root.name}", dir=root.parent))
    try:
        work.chmod(0o755)
        _unpack(packages, debs, work)
        tried: set[str] = set(packages)
        while missing := _missing_libraries(work, programs):
            more = _likely(missing, _dependencies(debs, tried) - tried)
            if not more:
                names = ", ".join(sorted(missing))
                raise ServerUnavailable(f"{root.name}: no package gives {names}")
            tried |= more
            # Of some dependencies there are several alternatives.
            _unpack([name for name in sorted(more) if _is_fetched(name, debs)], debs, work)
        (work / ".complete").touch()
        work.rename(root)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _fetch(packages: Iterable[str], debs: Path) -> None:
    wanted = [package for package in packages if not any(debs.glob(f"{package}_*.deb"))]
    if not wanted:
        return
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise ServerUnavailable("apt-get and dpkg are needed (Debian or Ubuntu)")
    download = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *wanted]
    try:
        run(download, folder=debs)
    except ServerFailed as error:
        if os.geteuid() != 0:
            raise ServerUnavailable(f"{error}; sudo apt-get update may help") from error
        try:
            run(["apt-get", "-qq", "update"])
            run(download, folder=debs)
        except ServerFailed as again:
            raise ServerUnavailable(str(again)) from again


def _is_fetched(package: str, debs: Path) -> bool:
    try:
        _fetch([package], debs)
    except ServerUnavailable:
        return False
    return True


def _unpack(packages: Iterable[str], debs: Path, root: Path) -> None:
    for package in packages:
        for file in sorted(debs.glob(f"{package}_*.deb")):
            run(["dpkg", "-x", file, root])


def _missing_libraries(root: Path, programs: Iterable[str]) -> set[str]:
    environment = {**os.environ, "LD_LIBRARY_PATH": library_path(root), "LC_ALL": "C"}
    missing: set[str] = set()
    for program in programs:
        answer = run(["ldd", root / program], environment=environment, accept=(0, 1))
        missing.update(re.findall(r"^\s*(\S+) => not found", answer, re.MULTILINE))
    return missing


def _dependencies(debs: Path, unpacked_packages: Iterable[str]) -> set[str]:
    """Libraries that the packages depend on and that are not installed."""
    names: set[str] = set()
    for package in unpacked_packages:
        for file in debs.glob(f"{package}_*.deb"):
            depends = run(["dpkg-deb", "-f", file, "Depends"])
            names.update(re.findall(r"(?:^|[,|])\s*(lib[^\s,|:(]+)", depends))
    installed = run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\\n"])
    return names - set(re.findall(r"^ii\s+(\S+)", installed, re.MULTILINE))


def _likely(missing: Iterable[str], candidates: set[str]) -> set[str]:
    """Prefer libpcre3 for libpcre.so.3: all dependencies together are many megabytes."""
    names = {library.replace(".so.", "") for library in missing}
    return {name for name in candidates if name.removesuffix("t64") in names} or candidates


def _may_be_entered(path: Path) -> bool:
    """Whether an unprivileged server can walk to its programs below ``path``."""
    owner = unprivileged_owner()
    if os.geteuid() == owner.uid:
        return True
    states = [folder.stat() for folder in (path, *path.parents) if folder.exists()]
    return all(state.st_mode & 0o001 or state.st_uid == owner.uid for state in states)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
