"""Precision by described GPUs of every generation; what the driver tells; the policy's scope."""

from __future__ import annotations

import time

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

PASCAL = ("Tesla P100-PCIE-16GB", (6, 0))
GEFORCE_10 = ("NVIDIA GeForce GTX 1080 Ti", (6, 1))
VOLTA = ("Tesla V100-SXM2-16GB", (7, 0))
TURING = ("Tesla T4", (7, 5))
AMPERE = ("NVIDIA A100-SXM4-40GB", (8, 0))
GEFORCE_30 = ("NVIDIA GeForce RTX 3060", (8, 6))
ADA = ("NVIDIA GeForce RTX 4090", (8, 9))
HOPPER = ("NVIDIA H100 80GB HBM3", (9, 0))
BLACKWELL = ("NVIDIA B200", (10, 0))
GEFORCE_50 = ("NVIDIA GeForce RTX 5090", (12, 0))
OTHER = ("AMD Instinct MI300X", None)

ALL = [
    (PASCAL, "float32"),
    (GEFORCE_10, "float32"),
    (VOLTA, "mixed_float16"),
    (TURING, "mixed_float16"),
    (AMPERE, "mixed_bfloat16"),
    (GEFORCE_30, "mixed_bfloat16"),
    (ADA, "mixed_bfloat16"),
    (HOPPER, "mixed_bfloat16"),
    (BLACKWELL, "mixed_bfloat16"),
    (GEFORCE_50, "mixed_bfloat16"),
    (OTHER, "float32"),
]


def chosen(asked, *described):
    from atb.training.precision import Gpu, choose

    return choose(asked, [Gpu(name, capability, None) for name, capability in described])


@pytest.mark.parametrize(("gpu", "policy"), ALL, ids=str)
def test_auto_follows_compute_capability(gpu, policy):
    seen = chosen("auto", gpu)
    assert seen.policy == policy
    name, capability = gpu
    assert name in seen.reason
    if capability:
        assert f"compute capability {capability[0]}.{capability[1]}" in seen.reason


def test_auto_without_a_gpu_is_float32():
    seen = chosen("auto")
    assert (seen.policy, seen.reason) == ("float32", "no GPU")


@pytest.mark.parametrize(
    ("gpus", "policy", "weakest"),
    [
        ([HOPPER, PASCAL], "float32", PASCAL),
        ([TURING, BLACKWELL], "mixed_float16", TURING),
        ([BLACKWELL, HOPPER, ADA, AMPERE], "mixed_bfloat16", AMPERE),
        ([VOLTA, TURING], "mixed_float16", VOLTA),
        ([HOPPER, OTHER], "float32", OTHER),
        ([HOPPER, HOPPER], "mixed_bfloat16", HOPPER),
    ],
)
def test_the_weakest_of_several_decides(gpus, policy, weakest):
    for order in (gpus, gpus[::-1]):
        seen = chosen("auto", *order)
        assert seen.policy == policy
        assert weakest[0] in seen.reason


@pytest.mark.parametrize("asked", ["float32", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("gpus", [[], *([gpu] for gpu, _ in ALL), [HOPPER, PASCAL]])
def test_what_is_asked_for_is_taken(asked, gpus):
    seen = chosen(asked, *gpus)
    assert seen.policy == asked
    assert seen.reason.startswith("asked for")


@pytest.mark.parametrize(
    ("asked", "gpus"),
    [
        ("float32", []),
        ("float32", [PASCAL]),
        ("mixed_float16", [VOLTA]),
        ("mixed_float16", [HOPPER]),
        ("mixed_bfloat16", [AMPERE]),
        ("mixed_bfloat16", [ADA, HOPPER]),
    ],
)
def test_nothing_is_said_against_a_policy_the_gpu_is_good_at(asked, gpus):
    assert chosen(asked, *gpus).reason == "asked for"


@pytest.mark.parametrize(
    ("asked", "gpus", "said"),
    [
        ("mixed_float16", [], "no GPU"),
        ("mixed_bfloat16", [], "no GPU"),
        ("mixed_float16", [PASCAL], "P100-PCIE-16GB (compute capability 6.0) has no tensor cores"),
        ("mixed_bfloat16", [TURING], "Tesla T4 (compute capability 7.5) has no tensor cores"),
        ("mixed_bfloat16", [HOPPER, VOLTA], "begin at 8.0"),
        ("mixed_float16", [OTHER], "MI300X (no compute capability known)"),
    ],
)
def test_a_policy_the_hardware_lacks_is_remarked(asked, gpus, said):
    reason = chosen(asked, *gpus).reason
    assert "although" in reason
    assert said in reason


@pytest.fixture
def described(monkeypatch, tmp_path):
    """Makes TensorFlow see these GPUs, and a driver that says these lines about them."""
    import tensorflow as tf

    def describe(details, lines):
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: list(range(len(details))))
        monkeypatch.setattr(
            tf.config.experimental, "get_device_details", lambda device: details[device]
        )
        (tmp_path / "answer").write_text("".join(f"{line}\n" for line in lines))
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\nwhile read line; do echo $line; done <{tmp_path}/answer\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return describe


def detail(gpu):
    return {"device_name": gpu[0], "compute_capability": gpu[1]}


def test_gpus_are_described_by_tensorflow_and_the_driver(described):
    from atb.training.precision import Gpu, gpus

    # CUDA lists the fastest first, the driver goes by the bus.
    lines = ["Tesla T4, 15360", "NVIDIA H100 80GB HBM3, 81559"]
    described([detail(HOPPER), detail(TURING)], lines)
    assert gpus() == [Gpu(*HOPPER, 81559 * 2**20), Gpu(*TURING, 15360 * 2**20)]


def test_what_nobody_tells_is_none(described):
    from atb.training.precision import Gpu, choose, gpus

    described([{}, detail(HOPPER)], ["NVIDIA H100 80GB HBM3, [N/A]", "no such device"])
    assert gpus() == [Gpu("unknown GPU", None, None), Gpu(*HOPPER, None)]
    assert choose("auto", gpus()).policy == "float32"


def test_the_smaller_of_two_gpus_of_one_name_counts(described):
    from atb.training.precision import gpus

    lines = ["NVIDIA GeForce RTX 3060, 12288", "NVIDIA GeForce RTX 3060, 8192"]
    described([detail(GEFORCE_30)] * 2, lines)
    assert [gpu.memory for gpu in gpus()] == [8192 * 2**20] * 2


def test_without_a_driver_there_is_no_memory_to_tell(described, tmp_path):
    from atb.training.precision import gpus

    described([detail(TURING)], [])
    (tmp_path / "nvidia-smi").unlink()
    assert [gpu.memory for gpu in gpus()] == [None]


@pytest.mark.parametrize("ending", ["exec /bin/sleep 60", "exit 9"])
def test_a_driver_that_hangs_or_fails_tells_nothing(described, tmp_path, monkeypatch, ending):
    from atb.training import precision

    described([detail(TURING)], [])
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\necho 'Tesla T4, 15360'\n{ending}\n")
    monkeypatch.setattr(precision, "DRIVER_SECONDS", 0.5)
    begin = time.monotonic()
    assert [gpu.memory for gpu in precision.gpus()] == [None]
    assert time.monotonic() - begin < 30


def test_a_cpu_has_no_gpus():
    import tensorflow as tf

    from atb.training.precision import gpus

    assert len(gpus()) == len(tf.config.list_physical_devices("GPU"))


@pytest.mark.parametrize(
    ("name", "compute"),
    [("float32", "float32"), ("mixed_float16", "float16"), ("mixed_bfloat16", "bfloat16")],
)
def test_layers_built_inside_have_the_policy(name, compute):
    import keras

    from atb.training.precision import policy

    with policy(name):
        layer = keras.layers.Dense(2)
    output = layer(np.ones((1, 3), np.float32))
    assert keras.backend.standardize_dtype(output.dtype) == compute
    assert layer.kernel.dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


def test_the_policy_before_comes_back_after_an_error():
    import keras

    from atb.training.precision import policy

    with policy("mixed_bfloat16"):
        with pytest.raises(ZeroDivisionError), policy("mixed_float16"):
            1 / 0  # noqa: B018
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    assert keras.config.dtype_policy().name == "float32"
