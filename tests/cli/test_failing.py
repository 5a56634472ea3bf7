"""A command over several trainings ends as the first one that failed, and says what to do."""

from __future__ import annotations

import pytest

from atb.errors import DivergedError, ResourceError
from atb_cli import failing
from atb_cli.commands.train_lob import AFTER_DIVERGING


def test_where_none_failed_nothing_is_said():
    failing.end_as({}, 3)


@pytest.mark.parametrize(
    ("kind", "words", "said"),
    [
        (ResourceError, {}, "models failed; a-2: no room; the same command tries again what"),
        (ResourceError, {"of": "folds"}, "folds failed; a-2: no room; the same command"),
        (DivergedError, {}, "a-2: no room; give a lower --learning-rate"),
        (DivergedError, {"remedy": AFTER_DIVERGING}, "other settings: --suite a-2 --learning-rate"),
    ],
)
def test_what_failed_says_what_to_do_about_it(kind, words, said):
    failures = {"a-2": kind("no room"), "b": ResourceError("other")}
    with pytest.raises(kind, match="2 of 3 .*" + said) as caught:
        failing.end_as(failures, 3, **words)
    assert caught.value.exit_code == kind.exit_code
