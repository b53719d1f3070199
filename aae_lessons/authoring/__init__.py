"""What authors and lecturers run: lessons executed, student notebooks, site, lecturer's tables.

``python -m aae_lessons.authoring execute | release | site | guide`` (``--help`` after each).
"""
