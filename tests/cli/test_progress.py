"""Events become bars on a terminal and lines elsewhere."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from atb import events
from atb_cli import progress, progress_lines

STORY = [
    events.StageStarted("data"),
    events.Progress("BTCUSDT-1h-2024-01.zip", 10, 0),
    events.Progress("BTCUSDT-1h-2024-01.zip", 2048, 2048),
    events.Warned("1 gap [2023-03-24 13:00]"),
    events.StageEnded("data", 1.25),
    events.StageStarted("training"),
    events.Noted("precision: float32, no GPU"),
    events.EpochEnded(1, 3, 0.5, 0.75, True, 30.0, {}),
    events.EpochEnded(2, 3, 0.25, 0.8, False, 60.0, {"macro_f1": 1 / 3}),
    events.StageEnded("training", 90.0),
]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def told(monkeypatch, stream, story=STORY):
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm-256color")
    with progress.shown() as listen:
        for event in story:
            listen(event)
    return stream.getvalue()


def test_a_pipe_gets_plain_lines(monkeypatch):
    assert told(monkeypatch, io.StringIO()).splitlines() == [
        "data ...",
        "warning: 1 gap [2023-03-24 13:00]",
        "data: 1.2 s",
        "training ...",
        "precision: float32, no GPU",
        "epoch 1/3  loss 0.50000  validation 0.75000  best  ETA 1:00",
        "epoch 2/3  loss 0.25000  validation 0.80000  macro_f1 0.3333  ETA 0:45",
        "training: 90.0 s",
    ]


def test_a_resumed_training_counts_its_own_seconds(monkeypatch):
    story = [events.EpochEnded(11, 13, 0.5, 0.75, True, 30.0, {})]
    assert told(monkeypatch, io.StringIO(), story).endswith("ETA 1:00\n")


def test_a_pipe_is_not_flooded(monkeypatch):
    story = [events.Progress("rows", done, 1000) for done in range(1, 1001)]
    assert told(monkeypatch, io.StringIO(), story) == ""


def test_the_end_is_said_of_a_task_that_was_spoken_of(monkeypatch):
    """One that was done before there was time to say anything is not worth a line."""
    monkeypatch.setattr(progress_lines, "LINE_EVERY_SECONDS", 0.0)
    story = [
        events.Progress("rows", 10, 0),
        events.Progress("other", 5, 5),
        events.Progress("rows", 20, 20),
    ]
    assert told(monkeypatch, io.StringIO(), story) == "rows: 10\nrows: 20/20\n"


@pytest.mark.parametrize("columns", ["200", "40"])
def test_a_terminal_gets_bars_and_keeps_the_warnings(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    text = told(monkeypatch, Terminal())
    assert "warning: 1 gap" in text
    assert "\x1b[2K" in text  # lines are redrawn in place


def test_the_bar_ends_when_the_job_fails(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    with pytest.raises(ZeroDivisionError), progress.shown() as listen:
        listen(events.StageStarted("data"))
        raise ZeroDivisionError
    assert stream.getvalue().endswith(("\x1b[?25h", "\x1b[2K"))  # cursor back, bar gone


SIDE_BY_SIDE = [
    events.StageStarted("data"),
    events.StageEnded("data", 1.25),
    events.Noted("suite x: a, b"),
    events.JobBegan("a", 1),
    events.JobBegan("b", 1),
    events.Within("a", events.StageStarted("training")),
    events.Within("b", events.StageStarted("training")),
    events.Within("a", events.EpochEnded(1, 3, 0.5, 0.75, True, 30.0, {})),
    events.Within("b", events.EpochEnded(1, 11, 0.5, 0.75, True, 1.0, {})),
    events.Within("b", events.Warned("out of memory")),
    events.Within("a", events.Memory(3 << 29)),
    events.Within("a", events.Memory(1 << 30)),
    events.JobRetried("b", "its process was killed (SIGKILL)"),
    events.JobBegan("b", 2),
    events.Within("a", events.Progress("steps", 1, 9)),
    events.Within("a", events.EpochEnded(2, 3, 0.25, 0.8, False, 60.0, {})),
    events.JobEnded("b", 12.3, "its process was killed (SIGKILL)"),
    events.Progress("jobs", 1, 2),
    events.Within("a", events.StageEnded("training", 90.0)),
    events.JobEnded("a", 100.0, ""),
    events.Progress("jobs", 2, 2),
]


def test_lines_of_jobs_side_by_side_begin_with_their_names(monkeypatch):
    assert told(monkeypatch, io.StringIO(), SIDE_BY_SIDE).splitlines() == [
        "data ...",
        "data: 1.2 s",
        "suite x: a, b",
        "a: begun",
        "b: begun",
        "a: training ...",
        "b: training ...",
        "a: epoch 1/3  loss 0.50000  validation 0.75000  best  ETA 1:00",
        "b: epoch 1/11  loss 0.50000  validation 0.75000  best  ETA 0:10",
        "b: warning: out of memory",
        "b: tried again: its process was killed (SIGKILL)",
        "b: begun, attempt 2",
        "a: epoch 2/3  loss 0.25000  validation 0.80000  ETA 0:45",
        "b: not done after 12 s: its process was killed (SIGKILL)",
        "a: training: 90.0 s",
        "a: done in 100 s, 1.5 GiB at most",
    ]


def drawn(board, width):
    """What a board shows, line by line, without colours."""
    screen = Console(file=io.StringIO(), width=width, color_system=None)
    screen.print(board.drawn())
    return screen.file.getvalue().splitlines()


@pytest.fixture
def board(monkeypatch):
    """A board and its listener, on a terminal of its own."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("sys.stderr", Terminal())
    with progress.shown() as listen:
        (board,) = (cell.cell_contents for cell in listen.__closure__)
        yield board, listen


def test_each_job_under_way_has_a_line_and_all_together_a_bar(board):
    board, listen = board
    listen(events.Progress("jobs", 0, 4))
    board._standings["jobs"]._began -= 10
    listen(events.JobBegan("a", 1))
    listen(events.JobBegan("b", 2))
    assert [line.split()[0] for line in drawn(board, 120)] == ["jobs", "a", "b"]
    listen(events.Within("a", events.StageStarted("training")))
    listen(events.Within("a", events.EpochEnded(5, 10, 0.5, 0.75, True, 30.0, {})))
    listen(events.Within("a", events.Memory(3 << 29)))
    total, a, b = drawn(board, 120)
    assert total.endswith("0/4 ETA 1:10")  # half a job of four took 10 s
    assert a.rstrip().endswith("epoch 5/10 loss 0.5000, 0.7500 1.5 GiB ETA 2:30")
    assert b.rstrip().endswith("attempt 2")


def test_what_is_over_leaves_the_board_and_is_said_above_it(board):
    board, listen = board
    for event in SIDE_BY_SIDE:
        listen(event)
        if event == events.JobRetried("b", "its process was killed (SIGKILL)"):
            assert [line.split()[0] for line in drawn(board, 120)] == ["a"]
    assert [line.split()[0] for line in drawn(board, 120)] == ["jobs"]
    said = board.screen.file.getvalue()
    for text in (
        "b: warning: out of memory",
        "b: tried again: its process",
        "b: not done after 12 s",
        "a: done in 100 s, 1.5 GiB at most",
    ):
        assert text in said


def test_long_names_leave_room_on_a_narrow_screen(board):
    board, listen = board
    listen(events.JobBegan("BTCUSDT-" + 60 * "x", 1))
    listen(events.Within("BTCUSDT-" + 60 * "x", events.EpochEnded(1, 2, 0.5, 0.75, True, 3.0, {})))
    assert "epoch 1/2" in drawn(board, 100)[0]
    assert len(drawn(board, 40)) == 1


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (120, "BTCUSDT-balanced-17 epoch 17/100 loss 0.9823, 1.0121 1.5 GiB ETA 1:23"),
        (80, "BTCUSDT-… epoch 17/100 loss 0.9823, 1.0121 1.5 GiB ETA 1:23"),
        (40, "BTCUSDT-… epoch 17/100 ETA 1:23"),
    ],
)
def test_what_matters_most_is_whole_on_any_screen(monkeypatch, columns, shown):
    """Beside a job that loads a file with a long name; a name is cut where it must be."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr("sys.stderr", Terminal())
    with progress.shown() as listen:
        (board,) = (cell.cell_contents for cell in listen.__closure__)
        listen(events.Progress("jobs", 0, 2))
        job = "BTCUSDT-balanced-17"
        listen(events.Within(job, events.EpochEnded(17, 100, 0.98231, 1.01211, True, 1.0, {})))
        listen(events.Within(job, events.Memory(3 << 29)))
        listen(events.Within("b", events.Progress("BTCUSDT-1h-2024-01.zip", 10**7, 2 * 10**7)))
        total, line, other = drawn(board, columns)
    assert total.startswith("jobs ━") and " 0/2 " in total
    name, *words = re.sub(r"[━╸╺ ]+", " ", line).split()
    assert [re.sub("-bal.*…", "-…", name), *words] == shown.split()
    assert other.startswith("b ")


def test_a_terminal_that_cannot_redraw_gets_lines(monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setenv("TERM", "dumb")
    with progress.shown() as listen:
        for event in STORY:
            listen(event)
    import sys

    assert "epoch 2/3  loss 0.25000" in sys.stderr.getvalue()


def test_the_rest_of_all_jobs_is_told_in_lines_too(monkeypatch):
    monkeypatch.setattr(progress_lines, "LINE_EVERY_SECONDS", 0.0)
    story = [events.Progress("jobs", 1, 4)]
    assert re.fullmatch(r"jobs: 1/4  ETA 0:\d\d\n", told(monkeypatch, io.StringIO(), story))


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_no_secret_is_shown(monkeypatch, stream):
    text = "https://anna:hunter2@example.org"
    story = [events.Warned(text), events.Within("a", events.Noted(text))]
    said = told(monkeypatch, stream(), [*story, events.JobRetried("a", text)])
    assert said.count("https://***@example.org") == 3
    assert "hunter2" not in said
