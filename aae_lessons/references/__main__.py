"""``python -m aae_lessons.references``: make, measure, report, results, seal."""

from __future__ import annotations

import argparse
import difflib
import json

from aae_lessons import references
from aae_lessons.references import report, results, storage, sweep, train
from aae_lessons.references.recipes import RECIPES


def recipe_name(text: str) -> str:
    """The name of a recipe, or "all"; argparse prints the message of the error."""
    if text in RECIPES or text == "all":
        return text
    close = difflib.get_close_matches(text, RECIPES, n=3)
    hint = f"did you mean {', '.join(close)}?" if close else f"there are {', '.join(RECIPES)}"
    raise argparse.ArgumentTypeError(f"{text!r} is not a recipe; {hint}")


def number(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number of at least 1")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """The command line: make, measure, report, seal, results."""
    result = argparse.ArgumentParser(prog="python -m aae_lessons.references", description=__doc__)
    commands = result.add_subparsers(dest="command", required=True)

    making = commands.add_parser("make", help="train a run and store it with its record")
    making.add_argument("names", nargs="+", metavar="NAME", type=recipe_name)
    making.add_argument("--device", help="cuda, mps or cpu; by default the best there is")
    making.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="SEED")
    making.add_argument("--jobs", type=number, default=1, help="how many seeds at a time")
    making.add_argument("--epochs", type=number, help="a trial; by default the recipe's number")
    making.add_argument(
        "--install", action="store_true", help="let even a trial replace the stored run"
    )
    making.add_argument(
        "--again", action="store_true", help="also what is already made, as after a change of code"
    )
    making.add_argument("--backend", choices=sweep.BACKENDS, default="loky")
    making.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask or Ray cluster")

    measuring = commands.add_parser(
        "measure", help="measure stored weights again, into the record"
    )
    measuring.add_argument("names", nargs="+", metavar="NAME", type=recipe_name)

    reporting = commands.add_parser(
        "report", help="measure every stored run again on the test set"
    )
    reporting.add_argument("--json", action="store_true", help="{name: {metric: value}}")
    reporting.add_argument("--device", default="cpu")
    reporting.add_argument("--jobs", type=number, help="processes; by default one per core")

    sealing = commands.add_parser("seal", help="hash records again that were edited on purpose")
    sealing.add_argument("names", nargs="+", metavar="NAME", type=recipe_name)

    commands.add_parser("results", help="write what was recorded into README.md and RESULTS.md")
    return result


def run(args: argparse.Namespace) -> None:
    """Carries out one command."""
    chosen = getattr(args, "names", [])
    names = list(RECIPES) if "all" in chosen else chosen
    if args.command == "make":
        for name in names:
            print(_make(name, args))
    elif args.command == "measure":
        print(report.tables({name: train.measure_again(name) for name in names}))
    elif args.command == "report":
        result = report.report(args.device, args.jobs)
        print(json.dumps(result, indent=1) if args.json else report.tables(result))
    elif args.command == "seal":
        stored = [n for n in names if (references.FOLDER / f"{n}.json").is_file()]
        written = [path.name for n in stored for path in storage.seal(references.FOLDER, n)]
        print("sealed:", ", ".join(written) or "nothing had changed")
    else:
        results.write()


def _make(name: str, args: argparse.Namespace) -> str:
    records = sweep.make_seeds(
        name,
        args.device,
        args.seeds,
        args.epochs,
        args.jobs,
        install=args.install or None,
        again=args.again,
        backend=args.backend,
        scheduler=args.scheduler,
    )
    return report.tables({f"{name}, seed {r['seed']}": r["metrics"] for r in records})


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line; what is wrong with it is said in a line, without a traceback."""
    commands = parser()
    args = commands.parse_args(arguments)
    try:
        run(args)
    except ValueError as error:
        commands.error(str(error))


if __name__ == "__main__":
    main()
