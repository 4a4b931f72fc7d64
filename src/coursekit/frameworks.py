"""One framework in a process, and TensorFlow without its log lines.

TensorFlow and torch's CUDA build both register LLVM's options. The process that loads both dies
without a Python error, which in a notebook looks like "Kernel died". So the second is refused.
"""

import contextlib
import importlib.abc
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator

OTHER = {"torch": "tensorflow", "torchvision": "tensorflow", "tensorflow": "torch"}

ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",  # errors only
    "TF_ENABLE_ONEDNN_OPTS": "0",  # one order of summation, so that runs repeat
    "TF_CPU_ALLOCATOR_USE_BFC": "true",  # keep memory instead of asking for it at every step
    "KERAS_BACKEND": "tensorflow",
}

# TensorFlow 2.21 writes these before it reads its log level (its issue 100442). They say only
# that there is no GPU, and a notebook would store them as an error output.
NOISE = (b"before absl::InitializeLog()", b"Could not find cuda drivers")


def prepare() -> None:
    """Set what TensorFlow reads from the environment, and watch for a second framework."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if not any(isinstance(finder, _Watch) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Watch())


@contextlib.contextmanager
def without_noise() -> Iterator[None]:
    """Hold back what is written to stderr, and pass on all but the lines in `NOISE`.

    It works on the file descriptor, because the lines come from C++ and never pass `sys.stderr`.
    """
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(screen, 2)
            os.close(screen)
            held.seek(0)
            for line in held:
                if not any(noise in line for noise in NOISE):
                    os.write(2, line)


class _Watch(importlib.abc.MetaPathFinder):
    """Sees every import first; hands those of a framework to `_Guard`, and no others."""

    def find_spec(self, fullname, *_):
        if fullname not in OTHER:
            return None
        sys.meta_path.remove(self)  # or the search below would come back here
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            sys.meta_path.insert(0, self)
        if spec is not None:
            spec.loader = _Guard(spec.loader)
        return spec


class _Guard(importlib.abc.Loader):
    """Loads a framework as its own loader would, unless the other one is there already.

    It refuses here and not in `_Watch`, because torch looks whether TensorFlow is installed
    without meaning to load it.
    """

    def __init__(self, loader: importlib.abc.Loader):
        self.loader = loader

    def create_module(self, spec):
        present = OTHER[spec.name]
        if present in sys.modules:
            raise ImportError(
                f"{spec.name} cannot be imported: this process already uses {present}, and the "
                "two crash each other. Restart the kernel, and use one framework in a notebook."
            )
        return self.loader.create_module(spec)

    def exec_module(self, module):
        with without_noise():
            self.loader.exec_module(module)
