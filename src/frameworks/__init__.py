"""One framework in a process, and TensorFlow without its log lines.

TensorFlow and torch's CUDA build both register LLVM's options. The process that loads both dies
without a Python error, which in a notebook looks like "Kernel died". So the second is refused.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder

OTHER = {"torch": "tensorflow", "torchvision": "tensorflow", "tensorflow": "torch"}
REFUSAL = (
    "{} cannot be imported: this process already uses {}, and the two crash each other. "
    "Restart the kernel, and use one framework in a notebook."
)

ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",  # errors only
    "TF_ENABLE_ONEDNN_OPTS": "1",  # almost twice as fast, and runs repeat on one machine
    "TF_CPU_ALLOCATOR_USE_BFC": "true",  # keep memory instead of asking for it at every step
    "KERAS_BACKEND": "tensorflow",
}

# TensorFlow 2.21 writes these before it reads its log level (its issue 100442). They say only
# that there is no GPU or how it adds up, and a notebook would store them as an error output.
NOISE = (
    b"before absl::InitializeLog()",
    b"Could not find cuda drivers",
    b"oneDNN custom operations",
)


def prepare() -> None:
    """Set what TensorFlow reads from the environment, and watch for a second framework."""
    if {"torch", "tensorflow"} <= sys.modules.keys():
        raise ImportError(REFUSAL.format("coursekit", "torch and tensorflow"))
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    sys.meta_path.insert(0, Guard)


class Guard:
    """Is asked first at every import, and refuses the second framework before it crashes.

    It refuses when a module is executed, not when it is searched for: torch asks whether
    TensorFlow is installed, and does not load it.
    """

    @staticmethod
    def find_spec(name: str, path=None, _=None) -> ModuleSpec | None:
        """Return how to load a framework, and None for every other module."""
        spec = PathFinder.find_spec(name, path) if name in OTHER else None
        if spec is None:
            return None
        execute = spec.loader.exec_module

        def execute_alone(module) -> None:
            if OTHER[name] in sys.modules:
                raise ImportError(REFUSAL.format(name, OTHER[name]))
            with without_noise():
                execute(module)

        spec.loader.exec_module = execute_alone
        return spec


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
