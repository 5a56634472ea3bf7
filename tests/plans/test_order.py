"""The order of steps, whatever they need."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from atb.config.plan import PlanSpec
from atb.errors import ConfigError
from atb.plans.order import in_order


@given(st.data())
def test_any_graph_is_gone_through_in_order_or_has_a_circle(data):
    names = [f"step-{n}" for n in range(data.draw(st.integers(1, 6)))]
    wanted = {name: data.draw(st.sets(st.sampled_from(names))) for name in names}
    steps = {name: {"kind": "train", "needs": sorted(wanted[name])} for name in names}
    made = PlanSpec.model_validate({"description": "a plan", "steps": steps})
    try:
        order = in_order(made, str)
    except ConfigError as error:
        circle = error.what.partition(": ")[2].split(" needs ")
        assert circle[0] == circle[-1] and len(circle) > 1
        assert all(two in wanted[one] for one, two in itertools.pairwise(circle))
    else:
        assert sorted(order) == names
        assert all(order.index(b) < order.index(a) for a in names for b in wanted[a])
