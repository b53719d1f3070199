"""Settings of the site for Sphinx; ``python -m aae_lessons.authoring site OUT`` uses them.

The source folder is put together by ``aae_lessons.authoring.site.sources``: the pages of this
folder at its root, and the notebooks beside them as in the repository, so that links between
notebooks and the paths of launch buttons are the repository's own.
"""

from __future__ import annotations

import warnings

from aae_lessons import __version__
from aae_lessons.authoring.site import repository

project = "Adversarial autoencoders, lesson by lesson"
author = "the authors of aae_lessons"
copyright = f"{author}, MIT licence"
release = version = __version__
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_togglebutton",
    "sphinxcontrib.katex",
    "aae_lessons.authoring.site.extension",
]
exclude_patterns = ["static/**", "extra/**"]

# ---- notebooks: stored outputs, formulas as KaTeX reads them
aae_description = (
    "A hands-on course on adversarial autoencoders: notebooks with live explorers, exercises that "
    "explain, and every claim measured on MNIST."
)
nb_execution_mode = "off"
nb_merge_streams = True
nb_code_prompt_show = "Show the {type}"
nb_code_prompt_hide = "Hide the {type}"
nb_render_markdown_format = "myst"  # outputs of cells have tables and formulas too
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_dmath_double_inline = True
suppress_warnings = [
    "mystnb.unknown_mime_type",
    "autodoc",
    "myst.header",
    "misc.highlighting_failure",
]
katex_css_path = "katex/katex.min.css"  # from the npm package, with its fonts: no other host
katex_options = "throwOnError: false, strict: false"

# ---- the reference, from the docstrings
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_class_signature = "mixed"
autodoc_use_type_comments = False  # there are none, and looking for them parses every function
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Traits", "params_style")]
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"

# ---- pages
html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["static"]
html_extra_path = ["extra"]  # the page for addresses that don't exist
html_css_files = ["course.css"]
html_js_files = ["course.js"]
html_favicon = "static/favicon.svg"
html_show_search_summary = False  # a summary is fetched, which a page from a folder can't do
html_sourcelink_suffix = ""
html_last_updated_fmt = None
html_context = {"default_mode": "auto"}
html_theme_options = {
    "home_page_in_toc": False,
    "navbar_persistent": [],  # the search is in the side bar
    "show_navbar_depth": 1,
    "max_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": True,
    "use_fullscreen_button": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "logo": {
        "text": "Adversarial autoencoders",
        "image_light": "static/favicon.svg",
        "image_dark": "static/favicon.svg",
        "alt_text": "",
    },
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    **repository.buttons(),
}

warnings.filterwarnings("ignore", category=DeprecationWarning)
