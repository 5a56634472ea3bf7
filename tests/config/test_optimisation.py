from __future__ import annotations

import pytest
from pydantic import ValidationError

from atb.config.optimisation import Hardware, Optimisation


@pytest.mark.parametrize(("devices", "accumulation"), [(8, 1), (1, 8), (2, 4)])
def test_every_part_of_a_batch_has_a_window(devices: int, accumulation: int) -> None:
    hardware = Hardware(devices=devices, accumulation=accumulation)
    assert Optimisation(batch=8, hardware=hardware).batch == 8
    said = rf"batch of 7 .* {devices} devices times {accumulation} parts"
    with pytest.raises(ValidationError, match=said):
        Optimisation(batch=7, hardware=hardware)


def test_a_step_of_several_devices_is_not_compiled() -> None:
    assert Hardware(jit_compile=True).devices == 1
    with pytest.raises(ValidationError, match="jit_compile is for one device, not for 2"):
        Hardware(jit_compile=True, devices=2)
