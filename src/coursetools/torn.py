"""Pictures that are there, and cannot be decoded to their end."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from coursekit.pictures import CorruptImageError, read_picture


def torn_among(files: Sequence[Path]) -> dict[Path, str]:
    """Return the pictures that are there and cannot be decoded to their end, and why."""

    def reason(file: Path) -> str:
        try:
            read_picture(file, 8)  # of a JPEG, that takes an eighth of the time
        except FileNotFoundError:
            return ""
        except (OSError, CorruptImageError) as error:
            return str(error).rstrip(".")
        return ""

    with ThreadPoolExecutor() as pool:
        found = zip(files, pool.map(reason, files), strict=True)
        return {file: words for file, words in found if words}
