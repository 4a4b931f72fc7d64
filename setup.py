"""Install what JupyterLab reads from an editable installation, too; the rest is in pyproject.toml.

setuptools asks a distribution whether it ``has_data`` before it installs the data files of an
editable one, and no distribution has that method: theirs is called ``has_data_files``.
"""

from setuptools import Distribution, setup


class Course(Distribution):
    """A distribution whose data files are installed, editable or not."""

    has_data = Distribution.has_data_files


setup(distclass=Course)
