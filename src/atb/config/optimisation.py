"""How a network is fitted: optimiser, schedule of its learning rate, stopping, regularisation."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from atb.config.spec import Spec, by_tag, tagged

ClipNorm = Annotated[
    float | None, Field(gt=0, description="largest global norm of a step's gradient; null: any")
]
Decay = Annotated[
    float, Field(ge=0, le=1, description="weight decay, decoupled; never on biases or norms")
]
Momentum = Annotated[float, Field(ge=0, lt=1)]
Factor = Annotated[float, Field(gt=0, lt=1)]
LARGEST_RATE = 1.0
Epochs = Annotated[int, Field(ge=1, le=100_000)]


class Adam(Spec):
    """Adam (Kingma and Ba 2015)."""

    kind: Literal["adam"] = "adam"
    clip_norm: ClipNorm = None


class AdamW(Spec):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    kind: Literal["adamw"] = "adamw"
    weight_decay: Decay = 1e-4
    clip_norm: ClipNorm = None


class Sgd(Spec):
    """Stochastic gradient descent with momentum."""

    kind: Literal["sgd"] = "sgd"
    momentum: Momentum = 0.9
    weight_decay: Decay = 0.0
    clip_norm: ClipNorm = None


class RmsProp(Spec):
    """RMSprop (Tieleman and Hinton 2012)."""

    kind: Literal["rmsprop"] = "rmsprop"
    momentum: Momentum = 0.0
    weight_decay: Decay = 0.0
    clip_norm: ClipNorm = None


class Constant(Spec):
    """The learning rate stays what it is."""

    kind: Literal["constant"] = "constant"


class Cosine(Spec):
    """Rises in a straight line over `warmup` epochs, then falls to zero along half a cosine."""

    kind: Literal["cosine"] = "cosine"
    warmup: int = Field(0, ge=0, le=100_000, description="epochs")


class Step(Spec):
    """Times `gamma` after every `size` epochs."""

    kind: Literal["step"] = "step"
    size: Epochs = 10
    gamma: Factor = 0.1


class Exponential(Spec):
    """Times `gamma` after every epoch."""

    kind: Literal["exponential"] = "exponential"
    gamma: Factor = 0.95


class Plateau(Spec):
    """Times `factor` after every `patience` epochs without a better validation loss."""

    kind: Literal["plateau"] = "plateau"
    patience: Epochs = 5
    factor: Factor = 0.5


class Regularisation(Spec):
    """What keeps a network from learning its train windows by heart; all off by default.

    Attributes:
        label_smoothing: share of each class label spread evenly over all classes.
        class_weights: `balanced` weighs each class by the inverse of its frequency on train rows.
        jitter: standard deviation of the noise added to each scaled feature of a train window.
        scaling: standard deviation of the factor, around 1, of each feature of a train window.
    """

    label_smoothing: float = Field(0.0, ge=0, lt=1)
    class_weights: Literal["none", "balanced"] = "none"
    jitter: float = Field(0.0, ge=0, le=1)
    scaling: float = Field(0.0, ge=0, le=1)


class Hardware(Spec):
    """What a training computes on.

    Attributes:
        precision: number format of the network; `auto` follows the GPU, float32 without one.
        devices: GPUs that share each batch.
        accumulation: parts a batch is computed in, one after the other, to need less memory.
        jit_compile: whether XLA compiles a step: faster where convolutions are most of it, slower
            where recurrences are. A step of several devices is never compiled.
    """

    precision: Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"] = "auto"
    devices: int = Field(1, ge=1, le=64)
    accumulation: int = Field(1, ge=1, le=1024)
    jit_compile: bool = False

    @model_validator(mode="after")
    def _compiles_for_one_device(self) -> Self:
        if self.jit_compile and self.devices > 1:
            raise ValueError(
                f"jit_compile is for one device, not for {self.devices}; set it to false"
            )
        return self


AnyOptimizer = Adam | AdamW | Sgd | RmsProp
Optimizer = Annotated[AnyOptimizer, Field(discriminator="kind"), tagged("kind", "adam")]
OPTIMIZERS: dict[str, type[AnyOptimizer]] = by_tag("kind", AnyOptimizer)
AnySchedule = Constant | Cosine | Step | Exponential | Plateau
Schedule = Annotated[AnySchedule, Field(discriminator="kind"), tagged("kind", "constant")]
SCHEDULES: dict[str, type[AnySchedule]] = by_tag("kind", AnySchedule)


class Optimisation(Spec):
    """Gradient descent with early stopping on the validation loss; the best epoch's weights stay.

    Attributes:
        epochs: at most.
        batch: windows per step of the optimiser.
        learning_rate: the largest the schedule takes.
        patience: epochs without a better validation loss before training ends.
        min_delta: how much lower a validation loss must be to be better.
        seed: of weights, dropout, augmentation and the order of windows.
        optimizer: which gradient descent.
        schedule: how the learning rate changes.
        regularisation: loss and augmentation on train windows.
        hardware: precision, devices and memory.
    """

    epochs: Epochs = 200
    batch: int = Field(48, ge=1, le=1_000_000)
    learning_rate: float = Field(1e-3, gt=0, le=LARGEST_RATE)
    patience: Epochs = 15
    min_delta: float = Field(0.0, ge=0)
    seed: int = Field(7, ge=0, lt=2**32)
    optimizer: Optimizer = Adam()
    schedule: Schedule = Constant()
    regularisation: Regularisation = Regularisation()
    hardware: Hardware = Hardware()

    def steps(self, windows: int) -> int:
        """Steps in an epoch of so many train windows: its full batches."""
        return windows // self.batch

    @model_validator(mode="after")
    def _batch_has_a_window_for_each_part(self) -> Self:
        devices, parts = self.hardware.devices, self.hardware.accumulation
        if self.batch < devices * parts:
            raise ValueError(
                f"a batch of {self.batch} windows is too small for {devices} devices "
                f"times {parts} parts (accumulation)"
            )
        return self
