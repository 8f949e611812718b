"""The documentation, built by ``tox -e docs``."""

from __future__ import annotations

project = "django-generic-payments"
project_copyright = "django-generic-payments contributors"
language = "en-GB"

extensions = ["myst_parser", "sphinx_copybutton"]
myst_heading_anchors = 3
copybutton_prompt_text = "$ "

html_theme = "furo"
html_title = project
html_theme_options = {
    "source_repository": "https://github.com/django-generic-payments/django-generic-payments/",
    "source_branch": "main",
    "source_directory": "docs/",
}
