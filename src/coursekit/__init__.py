"""What the lessons of the course share.

Importing the package imports no framework. It prepares the import of one: see `frameworks`.
"""

import frameworks

frameworks.prepare()
