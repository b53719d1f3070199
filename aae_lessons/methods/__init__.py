"""The other methods of the slides' Table 2, one file each, with the headings of ``models/``."""
