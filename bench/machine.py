"""What it was measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path


def description() -> str:
    """Processor, cores, memory, system and the versions that matter, in one line."""
    info = Path("/proc/cpuinfo").read_text()
    names = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    packages = ", ".join(f"{name} {version(name)}" for name in ("uvicorn", "msgspec", "psycopg", "apsw"))
    return (
        f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Linux {platform.release()}, Python {platform.python_version()}, {packages}"
    )


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads, and of those that it has started."""
    return sum(_cpu_seconds(one) for one in [pid, *descendants(pid)])


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """The memory that a process and those that it has started have in use; what they share counts once for each."""
    pages = (int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in [pid, *descendants(pid)])
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have."""
    children = [
        int(name) for task in Path(f"/proc/{pid}/task").iterdir() for name in (task / "children").read_text().split()
    ]
    return [one for child in children for one in (child, *descendants(child))]
