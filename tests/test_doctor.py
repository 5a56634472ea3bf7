from __future__ import annotations

import json
from typing import Any

import pytest

from atb import doctor
from atb.extras import LIBRARIES

pytestmark = pytest.mark.usefixtures("tensorflow_ready")


def test_an_installation_that_can_train_is_recognised() -> None:
    from importlib import metadata

    found = doctor.examine()
    assert found.can_train
    assert {extra: set(modules) for extra, modules in found.extras.items()} == {
        extra: set(modules) for extra, modules in LIBRARIES.items()
    }
    assert found.versions["keras"] == metadata.version("keras")
    assert all(found.versions.values())
    assert json.loads(json.dumps(found.to_json()))["can_train"] is True


def test_a_library_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    libraries = {
        "train": ("tensorflow", "keras", "no_such_library"),
        "other": ("numpy", "none_such"),
    }
    monkeypatch.setattr(doctor, "LIBRARIES", libraries)
    found = doctor.examine()
    assert not found.can_train
    assert "no_such_library is not installed" in str(found.extras["train"]["no_such_library"])
    assert found.extras["train"]["keras"] is None
    monkeypatch.setitem(libraries, "train", ("tensorflow", "keras"))
    assert doctor.examine().can_train  # what another extra lacks keeps nobody from training


def test_a_package_that_is_absent_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "no-such-package"))
    versions = doctor.examine().versions
    assert versions["numpy"]
    assert versions["no-such-package"] is None


def test_each_gpu_is_shown_with_the_precision_it_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    from atb.training import precision

    gpus = [
        precision.Gpu("Tesla T4", (7, 5), 16 * 2**30),
        precision.Gpu("NVIDIA A100", (8, 0), None),
        precision.Gpu("Some GPU", None, None),
    ]
    monkeypatch.setattr(precision, "gpus", lambda: gpus)
    found = doctor.examine()
    shown: list[tuple[Any, ...]] = [(g.capability, g.precision) for g in found.gpus]
    assert shown == [("7.5", "mixed_float16"), ("8.0", "mixed_bfloat16"), (None, "float32")]
    assert found.precision == "mixed_float16"  # of the first, on which one training runs
    assert "Tesla T4" in found.precision_reason


def test_without_a_gpu_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from atb.training import precision

    monkeypatch.setattr(precision, "gpus", list)
    found = doctor.examine()
    assert (found.gpus, found.precision, found.precision_reason) == ((), "float32", "no GPU")
