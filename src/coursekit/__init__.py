"""Helpers of the course "Where Is It?".

Importing the package imports no framework. It prepares the import of one: see `frameworks`.
"""

import frameworks

frameworks.prepare()
