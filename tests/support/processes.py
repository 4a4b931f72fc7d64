"""Running code in another process: in one that stays and answers many tests, or in a fresh one."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from unittest import mock


@contextmanager
def lasting() -> Iterator[Callable]:
    """Give `call(function, *arguments)`, which returns what a function returns in one process.

    The process starts with the first call and ends with the block, so it pays for its imports
    once. It finds a function by name, in the module that defines it. It sees the environment
    variables of each caller; those that the call names are changed, or unset where they are None.
    An answer travels as JSON, so that no object of a framework reaches the process of the tests.
    """
    with ProcessPoolExecutor(1, get_context("spawn"), _use_one_thread) as pool:

        def call(function: Callable, *arguments, **environment: str | None):
            job = pool.submit(_answer, _variables(environment), function, arguments)
            return json.loads(job.result())

        yield call


def python(*command, **environment: str | None) -> subprocess.CompletedProcess:
    """Return what a fresh interpreter did, for a test that looks at the process itself.

    `command` is what follows the word ``python``; `environment` as in `lasting`.
    """
    return subprocess.run(
        [sys.executable, *map(str, command)],
        env=_variables(environment),
        capture_output=True,
        text=True,
        timeout=600,
    )


def error_of(call, *arguments, **options) -> str:
    """Return the kind and the words of the error that a call raises."""
    try:
        call(*arguments, **options)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def _variables(changes: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in (os.environ | changes).items() if value is not None}


def _use_one_thread() -> None:
    """Let the frameworks, which are imported later, compute in one thread: others work, too."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def _answer(environment: dict[str, str], function: Callable, arguments: tuple) -> str:
    with mock.patch.dict(os.environ, environment, clear=True):
        return json.dumps(function(*arguments))


def make(folder: Path, *words: str) -> subprocess.CompletedProcess:
    """Run make in a folder as if it were typed there, although a `make test` may run this."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", *words]
    return subprocess.run(command, cwd=folder, env=outer, capture_output=True, text=True)
