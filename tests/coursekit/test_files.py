from coursekit.files import write_whole

import pytest


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = write_whole(tmp_path / "a.txt", "old")
    with pytest.raises(TypeError):
        write_whole(path, 5)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
