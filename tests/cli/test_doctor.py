from __future__ import annotations

import pytest


def test_it_shows_what_there_is(atb):
    done = atb("doctor")
    assert done.code == 0, done.err
    for word in ("Python", "tensorflow", "keras", "onnxruntime", "numpy", "CPU cores", "memory"):
        assert word in done.out
    assert "sklearn" in done.out
    assert "Traceback" not in done.err


def test_programs_get_one_object(atb):
    found = atb("doctor", "--json").json
    assert found["can_train"] is True
    assert found["machine"]["cores"] >= 1
    assert found["extras"]["train"]["tensorflow"] is None
    assert found["precision"] in ("float32", "mixed_float16", "mixed_bfloat16")


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_without_tensorflow_it_answers_and_exits_6(atb, tmp_path, words):
    """A package that cannot be imported stands in for one that is not installed."""
    broken = tmp_path / "path" / "tensorflow"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('No module named tensorflow')\n")
    done = atb("doctor", *words, PYTHONPATH=str(broken.parent))
    assert done.code == 6
    assert "tensorflow" in done.said
    assert "pip install 'atb[train]'" in done.said
    assert "Traceback" not in done.err
    if words:
        assert done.json["can_train"] is False
        assert "tensorflow is not installed" in done.json["extras"]["train"]["tensorflow"]
        assert done.json["gpus"] == []
        assert done.json["extras"]["train"]["onnx"] is None
    else:
        assert "numpy" in done.out
