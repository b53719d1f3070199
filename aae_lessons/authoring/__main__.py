"""``python -m aae_lessons.authoring COMMAND``: execute, release, repair, site, guide, cover."""

from __future__ import annotations

import importlib
import sys

COMMANDS = {
    "execute": "execute lessons from a fresh kernel and store them with their outputs",
    "release": "write the student notebooks in exercises/ from the masters in solutions/",
    "repair": "make notebooks that students hand in fit for nbgrader",
    "site": "write the course as web pages",
    "guide": "write the generated tables of the instructors' guide",
    "cover": "draw the README's picture from stored reference runs",
}


def main(args: list[str] | None = None) -> None:
    """Runs one command with the rest of the command line."""
    command, *rest = (sys.argv[1:] if args is None else args) or ["--help"]
    if command not in COMMANDS:
        lines = [f"  {name:10}{purpose}" for name, purpose in COMMANDS.items()]
        usage = "\n".join(["usage: python -m aae_lessons.authoring COMMAND …", *lines])
        asks_for_help = command in ("-h", "--help")
        print(usage, file=sys.stdout if asks_for_help else sys.stderr)
        sys.exit(0 if asks_for_help else 2)
    sys.argv = [f"python -m aae_lessons.authoring {command}", *rest]
    importlib.import_module(f"aae_lessons.authoring.{command}").main()


if __name__ == "__main__":
    main()
