"""Devices: every device that is present gives the same answers; an absent one is reported as absent."""

from convgauge.conformance import Judge, problems, spec
from convgauge.worker import frameworks

CONV2D = "torch.nn.functional.conv2d"
ABSENT = "the machine that the self-test runs on may have no such device, and a planted fault would not be seen"
TABLE = problems(
    kernel=[(1, 1), (3, 2), (5, 5)], stride=[(1, 1), (2, 3)], groups=[1], bias=[True, False], padding=[(2, 2)]
)


def on(judge: Judge, kind: str) -> None:
    """Judge the table if the judge's device is of this kind; otherwise skip the spec with the reason."""
    name = judge.description.framework
    if kind not in ("cpu", *frameworks.adapter(name).other_devices):
        judge.skip(f"{name} has no device {kind!r}")
    present = [device for device in judge.description.devices if device.split(":")[0] == kind]
    if not present:
        judge.skip(f"no {kind} device is present ({name} sees {', '.join(judge.description.devices)})")
    if judge.device not in present:
        judge.skip(f"judged on {', '.join(present)}")
    judge.exact(TABLE)
    judge.accurate(problems(in_channels=16, out_channels=8, kernel=[(1, 1), (3, 3)], padding=["same"]))


@spec("device.cpu", source=CONV2D)
def test_cpu(judge: Judge) -> None:
    """On the CPU, the answer is right and stays there."""
    on(judge, "cpu")


@spec("device.cuda", frameworks=("torch",), source=CONV2D, no_mutant_because=ABSENT)
def test_cuda(judge: Judge) -> None:
    """On every CUDA device present, the answer is right and stays there."""
    on(judge, "cuda")


@spec("device.mps", frameworks=("torch",), source=CONV2D, no_mutant_because=ABSENT)
def test_mps(judge: Judge) -> None:
    """On Apple's GPU, the answer is right and stays there."""
    on(judge, "mps")


@spec("device.xpu", frameworks=("torch",), source=CONV2D, no_mutant_because=ABSENT)
def test_xpu(judge: Judge) -> None:
    """On every Intel GPU present, the answer is right and stays there."""
    on(judge, "xpu")


@spec("device.gpu", frameworks=("jax",), source="jax.lax.conv_general_dilated", no_mutant_because=ABSENT)
def test_gpu(judge: Judge) -> None:
    """On every GPU that JAX sees, the answer is right and stays there."""
    on(judge, "gpu")


@spec("device.tpu", frameworks=("jax",), source="jax.lax.conv_general_dilated", no_mutant_because=ABSENT)
def test_tpu(judge: Judge) -> None:
    """On every TPU that JAX sees, the answer is right and stays there."""
    on(judge, "tpu")
