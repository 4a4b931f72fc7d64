"""A progress bar for a person, and silence for a program."""

import os

from tqdm.auto import tqdm


def progress_bar(iterable=None, disable: bool = False, **options) -> tqdm:
    """Return tqdm's bar, which shows nothing where ``TQDM_DISABLE`` is set.

    tqdm's bar for notebooks overlooks that variable, and would leave in each stored output a
    widget that is different in every run.
    """
    return tqdm(iterable, disable=disable or bool(os.environ.get("TQDM_DISABLE")), **options)
