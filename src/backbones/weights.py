"""The weights of a backbone: where they are, which they are, and what was wrong with them."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from coursekit import settings
from efficientnet import converting

import numpy as np


def resolve(backbone: str, suffixes: tuple[str, ...], weights: str | Path | None) -> str:
    """Return ``imagenet``, for weights that the framework downloads, or the path of a file.

    By default ``COURSEKIT_WEIGHTS`` decides; see `settings.weights` for `suffixes`. ImageNet's
    weights of ``efficientnet_lite0`` came with the installation. They are converted once, into a
    file of `settings.home` that both frameworks read. `ValueError` when the file is none of this
    framework.
    """
    found = str(Path(weights or settings.weights(suffixes)).expanduser())
    if found == "imagenet":
        if backbone != "efficientnet_lite0":
            return found
        return str(converting.weights_file(settings.home() / "weights"))
    if not found.endswith(suffixes):
        raise ValueError(
            f"{found} is not a weight file of this framework: its name ends in none of "
            f"{', '.join(suffixes)}. Name one file for each framework, as in "
            "`--weights for_keras.h5 --weights for_torch.pth`."
        )
    if not Path(found).is_file():
        raise FileNotFoundError(f"There is no weight file {found}. Correct COURSEKIT_WEIGHTS.")
    return found


def digest(weights: str, arrays: Iterable[np.ndarray]) -> str:
    """Return a name for the weights: from their file, or from the arrays that were downloaded.

    Both frameworks call the same file by the same name, so they can share a features file.
    """
    hashed = hashlib.blake2b(digest_size=16)
    if weights == "imagenet":
        for array in arrays:
            hashed.update(np.ascontiguousarray(array).tobytes())
    else:
        hashed.update(Path(weights).read_bytes())
    return hashed.hexdigest()


@contextmanager
def loading(backbone: str, weights: str) -> Iterator[None]:
    """Say in the errors of a block that loads weights what was wrong, and what to do.

    Each framework, and each kind of file, has errors of its own. Here they become `OSError` where
    the weights cannot be downloaded, and `ValueError` where they do not fit.
    """
    try:
        yield
    except Exception as error:
        if weights == "imagenet":
            raise OSError(
                f"The weights of {backbone} cannot be downloaded: {error}. Go online once, set "
                "COURSEKIT_WEIGHTS to a file that you have, or use "
                f"COURSEKIT_BACKBONE={settings.BACKBONES[0]}."
            ) from error
        reason = str(error)[:300]  # PyTorch lists each weight
        raise ValueError(f"{weights} does not hold the weights of {backbone}: {reason}") from error
