"""scikit-learn's estimators as ONNX files, so that they answer wherever a model is served.

skl2onnx converts them. Boosted trees are written here: its converter rounds their thresholds, so
that a feature just at one would turn the other way. Knows estimators, no windows.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper
from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import BaseEstimator, RegressorMixin, is_classifier
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression

from atb.export.editing import drop_unread
from atb.export.estimator import ANSWER, QUESTION, answered
from atb.export.graft import require_few
from atb.export.opset import OPSET
from atb.export.session import opened
from atb.registry.onnx_learned import DOMAIN, OPSETS

if TYPE_CHECKING:
    import keras

LEARNED_OPSET = OPSETS[-1]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

# Of an operator of trees: statistics that nothing reads, and where a feature that is no number
# goes, which the serving graph answers with no number.
UNREAD = frozenset({"nodes_hitrates", "nodes_missing_value_tracks_true"})


def estimated(
    estimator: Any, windows: keras.KerasTensor, method: str = "predict"
) -> keras.KerasTensor:
    """What a fitted estimator says of windows, in the serving graph, too.

    Args:
        estimator: scikit-learn's; of a classifier `predict` gives the raw scores, which are the
            logit of the second of two classes, or the logits of all.
        windows: `[B, P]` flattened windows, or what was made of them.
        method: `predict` or `predict_proba`.

    Returns:
        `[B, L]` float32.
    """
    columns = windows.shape[-1]
    content = converted(estimator, columns, method)
    one = {QUESTION: np.zeros((1, columns), np.float32)}
    (answer,) = opened(content).run([ANSWER], one)  # what skl2onnx says of its width may be wrong
    return answered(content, windows, answer.shape[1])


def converted(estimator: Any, columns: int, method: str = "predict") -> bytes:
    """A fitted estimator as an ONNX file, see `atb.export.estimator.Estimator.file`.

    Args:
        estimator: see `estimated`.
        columns: that it takes.
        method: `predict` or `predict_proba`.

    Raises:
        ResourceError: when its trees are too large to be served.
    """
    taken = scored(estimator) if method == "predict" else estimator
    options = {"zipmap": False} if method == "predict_proba" and is_classifier(taken) else None
    model = to_onnx(
        taken,
        initial_types=[(QUESTION, FloatTensorType([None, columns]))],
        target_opset={"": OPSET, DOMAIN: LEARNED_OPSET},
        options=None if options is None else {id(taken): options},
    )
    _keep_answer(model.graph)
    for node in model.graph.node:
        kept = [one for one in node.attribute if one.name not in UNREAD]
        del node.attribute[:]
        node.attribute.extend(kept)
    require_few(model.graph.node)
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", OPSET))
    model.opset_import.append(helper.make_opsetid(DOMAIN, LEARNED_OPSET))
    content: bytes = model.SerializeToString()
    return content


def _keep_answer(graph: onnx.GraphProto) -> None:
    """Leave the last output, of numbers; classifiers give labels before it."""
    last = graph.output[-1]
    graph.node.append(helper.make_node("Identity", [last.name], [ANSWER], ANSWER))
    answer = helper.make_tensor_value_info(ANSWER, onnx.TensorProto.FLOAT, [None, None])
    del graph.output[:]
    graph.output.append(answer)
    drop_unread(graph)


@singledispatch
def scored(estimator: Any) -> Any:
    """What gives an estimator's raw scores as its prediction: a regressor does by itself."""
    return estimator


@scored.register
def _logits(estimator: LogisticRegression) -> LinearRegression:
    return line(estimator.coef_, estimator.intercept_)


def line(coefficients: Float64, intercept: Float64) -> LinearRegression:
    """A straight line as if it had been fitted.

    Args:
        coefficients: `[L, P]`.
        intercept: `[L]`.
    """
    made = LinearRegression()
    made.coef_, made.intercept_ = coefficients, intercept
    made.n_features_in_ = coefficients.shape[1]
    return made


class Boosted(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """The raw scores of boosted trees, for skl2onnx to convert.

    Args:
        source: a fitted ensemble.
    """

    def __init__(self, source: Any) -> None:
        self.source = source


@scored.register
def _of_classes(estimator: HistGradientBoostingClassifier) -> Boosted:
    return Boosted(estimator)


@scored.register
def _of_quantity(estimator: HistGradientBoostingRegressor) -> Boosted:
    return Boosted(estimator)


def _shape(operator: Any) -> None:
    """Tells skl2onnx what boosted trees give."""
    targets = operator.raw_operator.source.n_trees_per_iteration_
    operator.outputs[0].type = FloatTensorType([operator.inputs[0].get_first_dimension(), targets])


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Tells skl2onnx what boosted trees are."""
    container.add_node(
        "TreeEnsembleRegressor",
        operator.inputs[0].full_name,
        operator.outputs[0].full_name,
        op_domain=DOMAIN,
        op_version=LEARNED_OPSET,
        name=scope.get_unique_operator_name("boosted"),
        **_attributes(operator.raw_operator.source),
    )


def _attributes(source: Any) -> Mapping[str, Any]:
    """Of an operator `TreeEnsembleRegressor`: trees in the order they were grown."""
    targets = source.n_trees_per_iteration_
    trees = [tree.nodes for step in source._predictors for tree in step]
    number = np.repeat(np.arange(len(trees)), [len(tree) for tree in trees])
    within = np.concatenate([np.arange(len(tree)) for tree in trees])
    nodes = np.concatenate(trees)
    leaf = nodes["is_leaf"].astype(bool)
    return {
        "n_targets": targets,
        "base_values": source._baseline_prediction.ravel().astype(np.float32).tolist(),
        "nodes_treeids": number.tolist(),
        "nodes_nodeids": within.tolist(),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        "nodes_featureids": np.where(leaf, 0, nodes["feature_idx"]).tolist(),
        "nodes_values": np.where(leaf, 0, below(nodes["num_threshold"])).tolist(),
        "nodes_truenodeids": np.where(leaf, 0, nodes["left"]).tolist(),
        "nodes_falsenodeids": np.where(leaf, 0, nodes["right"]).tolist(),
        "target_treeids": number[leaf].tolist(),
        "target_nodeids": within[leaf].tolist(),
        "target_ids": (number[leaf] % targets).tolist(),
        "target_weights": nodes["value"][leaf].astype(np.float32).tolist(),
    }


def below(thresholds: Float64) -> Float32:
    """The largest float32 numbers that are no larger: `x <= t` stays as it is for a float32 `x`."""
    nearest = thresholds.astype(np.float32)
    above = nearest.astype(np.float64) > thresholds
    return np.where(above, np.nextafter(nearest, np.float32(-np.inf)), nearest)


update_registered_converter(Boosted, "AtbBoosted", _shape, _convert)
