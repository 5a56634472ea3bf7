from __future__ import annotations

import numpy as np
import pytest

from atb.config.architectures import ConvRecurrent
from atb.config.targets import DirectionTarget, ReturnTarget

pytestmark = pytest.mark.usefixtures("tensorflow_ready")


def test_a_network_is_the_backbone_of_its_spec_with_the_head_of_its_target() -> None:
    from atb.models import conv_recurrent
    from atb.models.build import network

    spec = ConvRecurrent(filters=(4,), pool=(2,), units=(3,))
    backbone = conv_recurrent.build(spec, (20, 5))
    for target, head in ((ReturnTarget(), "return_head"), (DirectionTarget(), "probability_head")):
        built = network(spec, target, (20, 5))
        names = [layer.name for layer in built.layers]
        assert names == [*(layer.name for layer in backbone.layers), head]
        assert built.input.shape == (None, 20, 5) and built.output.shape == (None, 1)
        assert not built.compiled


def test_the_same_spec_may_be_built_many_times_in_one_process() -> None:
    from atb.models.build import network

    spec = ConvRecurrent(filters=(4,), pool=(2,), units=(3,))
    first, second = (network(spec, ReturnTarget(), (20, 5)) for _ in range(2))
    assert [w.path for w in first.weights] == [w.path for w in second.weights]
    assert any(not np.array_equal(a, b) for a, b in zip(first.weights, second.weights, strict=True))
