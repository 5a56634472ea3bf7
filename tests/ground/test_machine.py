from __future__ import annotations

from pathlib import Path

from atb import machine

MEMINFO = """MemTotal:       24000 kB
MemFree:         1000 kB
MemAvailable:   20000 kB
HugePages_Total:       0
"""


def written(folder: Path, **files: str) -> tuple[Path, Path]:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    (folder / "meminfo").write_text(MEMINFO)
    return folder / "meminfo", folder


def test_memory_is_what_the_system_says(tmp_path: Path) -> None:
    found = machine.examine(*written(tmp_path))
    assert (found.memory, found.available) == (24000 * 1024, 20000 * 1024)


def test_a_container_has_what_its_limit_leaves(tmp_path: Path) -> None:
    limit, used = 10_000 * 1024, 4_000 * 1024
    found = machine.examine(*written(tmp_path, memory_max=f"{limit}\n", memory_current=f"{used}\n"))
    assert (found.memory, found.available) == (limit, limit - used)


def test_a_container_without_a_limit_has_all(tmp_path: Path) -> None:
    found = machine.examine(*written(tmp_path, memory_max="max\n", memory_current="4096\n"))
    assert (found.memory, found.available) == (24000 * 1024, 20000 * 1024)


def test_a_system_without_these_files_says_what_it_can(tmp_path: Path) -> None:
    found = machine.examine(tmp_path / "meminfo", tmp_path)
    assert found.cores >= 1
    assert found.memory == found.available
    assert found.memory is None or found.memory > 2**26


def test_this_machine_has_cores_and_memory() -> None:
    found = machine.examine()
    assert found.cores >= 1
    assert found.memory is not None
    assert found.available is not None
    assert 0 < found.available <= found.memory
