"""What authors and lecturers run: lessons executed, student notebooks, site, lecturer's tables.

``python -m aae_lessons.authoring execute | release | site | guide`` (``--help`` after each).
"""

import sys
from typing import Any

# nbformat imports jsonschema, which imports this package where it is installed, to check
# international web addresses; compiling its grammars takes over a second, and notebooks have none
_modules: dict[str, Any] = sys.modules
_modules.setdefault("rfc3987_syntax", None)
