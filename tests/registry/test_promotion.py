"""One model of a symbol runs: the pointer is valid at every moment, the journal says why."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from atb.errors import IntegrityError, StorageError, UsageError
from atb.registry import journal, manifest, promotion, store
from atb.registry.promotion import Grounds, OvertakenError

STAMPS = [f"2024010{n}T120000Z" for n in (1, 2, 3, 4)]
GROUNDS = Grounds("it is better", {"name": "default", "findings": []})
SCRIPT = Path(__file__).with_name("promoting.py")


@pytest.fixture
def models(workspace, writers):
    return [store.add(workspace, "BTCUSDT", "fast", stamp, writers) for stamp in STAMPS]


@pytest.fixture
def home(workspace):
    return workspace.model_root / "BTCUSDT"


@pytest.fixture
def promote(workspace):
    def promote(version):
        seen = promotion.read(workspace, version.symbol)
        return promotion.promote(workspace, version, seen, GROUNDS)

    return promote


def running(workspace):
    return store.find(workspace, "BTCUSDT/promoted").version


def actions(workspace):
    entries = promotion.read(workspace, "BTCUSDT").entries
    return [(one.action, one.model.rpartition("/")[2]) for one in entries]


def test_a_promotion_by_hand(workspace, models, home, promote):
    entry = promote(models[0])
    assert store.find(workspace, "BTCUSDT/promoted") == models[0]
    assert (entry.sequence, entry.previous, entry.action) == (1, journal.START, "promote")
    assert (entry.model, entry.instead_of) == (models[0].reference, None)
    assert (entry.why, entry.gates) == ("it is better", {"name": "default", "findings": []})
    assert json.loads((home / "promoted.json").read_text()) == {
        "model": models[0].reference,
        "manifest": entry.manifest,
        "sequence": 1,
        "entry": entry.sha256(),
    }
    later = promote(models[1])
    assert (later.instead_of, later.previous) == (models[0].reference, entry.sha256())
    assert running(workspace) == STAMPS[1]


def test_going_back_goes_on_going_back(workspace, models, promote):
    for version in models[:3]:
        promote(version)
    assert promotion.rollback(workspace, "BTCUSDT", "it lost").model == models[1].reference
    assert running(workspace) == STAMPS[1]
    promote(models[3])
    for expected in (STAMPS[1], STAMPS[0]):
        promotion.rollback(workspace, "BTCUSDT", "")
        assert running(workspace) == expected
    with pytest.raises(UsageError, match=f"{STAMPS[0]} is the first"):
        promotion.rollback(workspace, "BTCUSDT", "")
    assert [action for action, _ in actions(workspace)] == [
        *("promote", "promote", "promote", "rollback", "promote", "rollback", "rollback")
    ]


def test_a_model_may_be_promoted_again_but_not_twice_in_a_row(workspace, models, promote):
    first = promote(models[0])
    assert promote(models[0]) == first
    promote(models[1])
    promote(models[0])
    assert [stamp for _, stamp in actions(workspace)] == [STAMPS[0], STAMPS[1], STAMPS[0]]
    promotion.rollback(workspace, "BTCUSDT", "")
    assert running(workspace) == STAMPS[1]


def test_a_model_that_is_another_one_now_is_promoted_as_such(workspace, models, promote):
    before = promote(models[0])
    models[0].onnx.write_bytes(b"another graph")
    (models[0].path / manifest.NAME).unlink()
    manifest.write(models[0].path)
    with pytest.raises(IntegrityError, match="not the one it was promoted with"):
        promotion.promoted(workspace, "BTCUSDT")
    entry = promote(models[0])
    assert (entry.sequence, entry.model) == (2, before.model)
    assert promotion.promoted(workspace, "BTCUSDT") == models[0]


def test_what_passed_its_gates_beside_another_model_is_not_promoted(workspace, models, promote):
    seen = promotion.read(workspace, "BTCUSDT")
    promote(models[0])
    with pytest.raises(OvertakenError, match="meanwhile") as caught:
        promotion.promote(workspace, models[1], seen, GROUNDS)
    assert caught.value.exit_code == 7
    assert running(workspace) == STAMPS[0]


def test_where_nothing_is_promoted(workspace, models):
    with pytest.raises(UsageError, match="no model of BTCUSDT is promoted"):
        store.find(workspace, "BTCUSDT/promoted")
    with pytest.raises(UsageError, match="none is promoted"):
        promotion.rollback(workspace, "BTCUSDT", "")
    with pytest.raises(UsageError, match="is not a symbol"):
        store.find(workspace, "../promoted")
    with pytest.raises(UsageError, match="none is promoted"):
        promotion.rollback(workspace, "ETHUSDT", "")
    assert not (workspace.model_root / "ETHUSDT").exists()


def test_adding_a_model_never_moves_the_pointer(workspace, models, writers, home, promote):
    promote(models[0])
    before = {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}
    store.add(workspace, "BTCUSDT", "fast", "20240301T120000Z", writers)
    store.add(workspace, "BTCUSDT", "other", "20240301T120000Z", writers)
    assert {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()} == before


@pytest.fixture
def unhappy(workspace, models, home, promote):
    """Two promotions; spoils a file, and every use of what was promoted must be exit 9."""
    promote(models[0])
    promote(models[1])

    def unhappy(name, change):
        path = home / name
        whole = path.read_bytes()
        change(path)
        for use in (
            lambda: store.find(workspace, "BTCUSDT/promoted"),
            lambda: promotion.rollback(workspace, "BTCUSDT", ""),
            lambda: promote(models[2]),
            lambda: promotion.read(workspace, "BTCUSDT"),
        ):
            with pytest.raises(IntegrityError) as caught:
                use()
            assert caught.value.exit_code == 9
        path.unlink(missing_ok=True)
        path.write_bytes(whole)
        assert running(workspace) == STAMPS[1]

    return unhappy


def edited(change):
    def spoil(path):
        content = json.loads(path.read_text())
        content.update(change)
        path.write_text(json.dumps(content))

    return spoil


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": 3},
        {"sequence": 0},
        {"sequence": -1},
        {"sequence": True},
        {"sequence": "2"},
        {"sequence": None},
        {"sequence": 1},
        {"entry": "00"},
        {"manifest": "00"},
        {"model": f"BTCUSDT/fast/{STAMPS[2]}"},
        {"more": 1},
    ],
)
def test_a_pointer_changed_by_hand_is_seen(unhappy, change):
    unhappy("promoted.json", edited(change))


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "3", "\0", "[" * 100_000])
def test_a_pointer_that_is_none_is_seen(unhappy, text):
    unhappy("promoted.json", lambda path: path.write_text(text))


def linked(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


@pytest.mark.parametrize("name", ["promoted.json", "promotions.jsonl"])
def test_a_link_is_seen(unhappy, name):
    unhappy(name, linked)


def test_a_last_line_changed_or_cut_off_is_seen_by_the_pointer(unhappy):
    def last(path):
        *rest, line = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(rest) + line.replace(b"it is better", b"it is cheap "))

    def cut(path):
        path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])

    unhappy("promotions.jsonl", last)
    unhappy("promotions.jsonl", cut)
    unhappy("promotions.jsonl", lambda path: path.unlink())


def test_a_pointer_that_is_gone_is_seen_before_anything_is_written(
    workspace, models, home, promote
):
    promote(models[0])
    promote(models[1])
    (home / "promoted.json").unlink()
    for use in (lambda: promote(models[2]), lambda: promotion.rollback(workspace, "BTCUSDT", "")):
        with pytest.raises(IntegrityError, match=r"no promoted.json, but a journal of 2 lines"):
            use()


def test_a_model_that_is_not_what_it_was_is_not_gone_back_to(workspace, models, home, promote):
    promote(models[0])
    promote(models[1])
    before = (home / "promotions.jsonl").read_bytes()
    file = models[0].path / "model.onnx"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"x")
    with pytest.raises(IntegrityError, match="SHA-256"):
        promotion.rollback(workspace, "BTCUSDT", "")
    (models[0].path / manifest.NAME).unlink()
    manifest.write(models[0].path)  # whole, and another model
    with pytest.raises(IntegrityError, match="manifest is not the one it was promoted with"):
        promotion.rollback(workspace, "BTCUSDT", "")
    assert (home / "promotions.jsonl").read_bytes() == before
    assert running(workspace) == STAMPS[1]


def test_a_model_that_runs_and_is_damaged_is_not_found(workspace, models, promote):
    promote(models[0])
    (models[0].path / manifest.NAME).unlink()
    with pytest.raises(IntegrityError, match=r"there is no manifest.json"):
        store.find(workspace, "BTCUSDT/promoted")


def test_a_line_that_names_no_model_is_no_way_out_of_the_folder(workspace, home):
    entry = journal.Entry(
        sequence=1, previous=journal.START, symbol="BTCUSDT", at="", by="", action="promote",
        model="BTCUSDT/../../etc", manifest="", instead_of=None, why="", gates=None,
    )  # fmt: skip
    for model in ("BTCUSDT/../../etc", "BTCUSDT/fast/../..", "BTCUSDT", "", None, 3):
        changed = journal.Entry(**{**entry.to_json(), "model": model})
        with pytest.raises(IntegrityError, match="no model"):
            promotion.version_of(workspace, changed)


def test_a_full_disk_leaves_what_runs(workspace, models, promote):
    resource = pytest.importorskip("resource")
    promote(models[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
    try:
        with pytest.raises(StorageError, match="File too large"):
            promote(models[1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert running(workspace) == STAMPS[0] and len(actions(workspace)) == 1


def script(*words):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, words)],
        capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_killed_at_any_step_the_old_or_the_new_runs_and_the_command_again_ends_it(tmp_path):
    found = script("crash", tmp_path)
    whole = {one["command"]: one["left"] for one in found if one["code"] == 0}
    assert whole.keys() == {"first", "second", "rollback"}
    pending = 0
    for one in found:
        before, left, after = one["before"], one["left"], whole[one["command"]]
        assert left["runs"] in (before["runs"], after["runs"])
        assert left["written"] in (before["written"], after["written"])
        if left["runs"] == after["runs"]:  # never without its line in the journal
            assert left["written"] == after["written"]
        assert one["again"] == after
        pending += left["runs"] == before["runs"] and left["written"] == after["written"]
    assert len(found) == 27 and pending == 12


@pytest.mark.parametrize(
    ("processes", "times", "kills"), [(16, 3, 4), pytest.param(16, 25, 4, marks=pytest.mark.slow)]
)
def test_many_processes_register_and_promote_and_nothing_they_were_told_is_lost(
    tmp_path, processes, times, kills
):
    (found,) = script("race", tmp_path, processes, times, kills)
    assert sorted(set(found["codes"])) == [-9, 0] and found["codes"].count(-9) <= kills
    assert found["reader"] and found["reads"] > 20  # it never met an invalid pointer
    told = [line.split() for lines in found["told"] for line in lines]
    registered = [words[0] for words in told if len(words) == 1]
    assert len(registered) >= (processes - kills) * times * 2 // 3
    assert len(set(registered)) == len(registered)  # no name was given twice
    assert len(set(found["versions"])) == len(found["versions"])
    assert set(registered) <= set(found["versions"])
    promoted = [words for words in told if len(words) == 2]
    assert len(promoted) >= len(registered) - kills
    assert all(found["entries"][sequence] == sha256 for sequence, sha256 in promoted)
    assert found["seconds"] < 5  # the locks of the killed are free
    assert found["left"]["leftovers"] == 0
