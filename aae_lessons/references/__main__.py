"""``python -m aae_lessons.references``: make, measure, report, results."""

from __future__ import annotations

import argparse
import json

from aae_lessons.references import report, results, train
from aae_lessons.references.recipes import RECIPES


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m aae_lessons.references", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    making = commands.add_parser("make", help="train a run and store it with its record")
    making.add_argument("names", nargs="+", metavar="NAME", choices=[*RECIPES, "all"])
    making.add_argument("--device", help="cuda, mps or cpu; by default the best there is")
    making.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="SEED")
    making.add_argument("--jobs", type=int, default=1, help="how many seeds at a time")
    making.add_argument("--epochs", type=int, help="by default the recipe's")

    again = commands.add_parser("measure", help="measure stored weights again, into the record")
    again.add_argument("names", nargs="+", metavar="NAME", choices=list(RECIPES))

    reporting = commands.add_parser(
        "report", help="measure every stored run again on the test set"
    )
    reporting.add_argument("--json", action="store_true", help="{name: {metric: value}}")
    reporting.add_argument("--device", default="cpu")

    commands.add_parser("results", help="write what was recorded into README.md and RESULTS.md")

    args = parser.parse_args(arguments)
    if args.command == "make":
        for name in list(RECIPES) if "all" in args.names else args.names:
            done = train.make_seeds(name, args.device, args.seeds, args.epochs, args.jobs)
            print(report.tables({f"{name}, seed {r['seed']}": r["metrics"] for r in done}))
    elif args.command == "measure":
        print(report.tables({name: train.measure_again(name) for name in args.names}))
    elif args.command == "report":
        result = report.report(args.device)
        print(json.dumps(result, indent=1) if args.json else report.tables(result))
    else:
        results.write()


if __name__ == "__main__":
    main()
