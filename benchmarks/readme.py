"""Writes ``README.md`` of this folder: what each benchmark is, and the stored results.

python benchmarks/readme.py
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import peers
import precision
import seeds
from results import Results, stored_results

PAGE = Path(__file__).parent / "README.md"
COMMANDS = {
    "step.py": "one update of the AAE against a textbook loop and against its own floor",
    "lessons.py": "every lesson's step over its own floor",
    "peers.py": "our loop next to pythae's",
    "precision.py": "what models trained in bfloat16 reach, against single precision",
    "seeds.py": "ten seeds in one process",
    "explorers.py": "how fast the explorers answer",
    "trainer.py": "the trainer in the browser",
    "mutations.py": "whether the tests notice small mistakes",
}


def page() -> str:
    """The whole page, as Markdown."""
    commands = "\n".join(f"| `{name}` | {what} |" for name, what in COMMANDS.items())
    sections = (peers_section(), precision_section(), seeds_section())
    return f"""# Benchmarks

`python benchmarks/readme.py` writes this page from `results/`. The first lines of each file say
what it measures and how to run it.

| file | what it measures |
|---|---|
{commands}

{chr(10).join(sections)}"""


def paragraph(text: str) -> str:
    """Its words in lines of at most 100 characters."""
    lines = textwrap.wrap(" ".join(text.split()), 100, break_on_hyphens=False)
    return "\n".join(lines)


def where(results: Results) -> str:
    machine = results.settings["machine"]
    return f"{machine['processor']}, one thread, torch {machine['torch']}"


def peers_section() -> str:
    """Ours next to pythae's."""
    times, quality = stored_results("peers-times"), stored_results("peers-quality")
    text = f"""
[pythae](https://github.com/clementchadebec/benchmark_VAE) trains AAE, VAE and WAE-MMD. Both
sides have the same networks, objective, weights, Adam and minibatch; pythae's own trainer, data
set and data loader are used as they come from PyPI. What `peers.py` hands to pythae is networks
in its base classes, and settings. Times are the thread's CPU time on the first
{times.settings["images"]:,} images of MNIST, the medians of {times.settings["rounds"]} turns.
"Fast" is {times.settings["machine"]["fast"]} on this machine.
"""
    reached = f"""
What equal CPU time reaches, in single precision: a budget of {quality.settings["seconds"]:g}
seconds for each training on the first {quality.settings["images"]:,} images. These are short
runs, which show how far equal time goes, not what the models reach in the end. There is a number
for each seed. Match: sliced Wasserstein distance of codes to prior as a multiple of the distance
between two samples of the prior; 1 is a perfect match. The times of a minibatch are
the medians of {quality.settings["rounds"]} turns.
"""
    return f"""## Next to pythae

{paragraph(text)}

{peers.times_table(times)}

Machine: {where(times)}.

{paragraph(reached)}

{peers.quality_table(quality)}

Machine: {where(quality)}.
"""


def precision_section() -> str:
    """bfloat16 against single precision."""
    results = stored_results("precision")
    share = results.settings["share"]
    missing = [name for name in precision.FAMILIES if name not in precision.compared(results)]
    rest = f" Not compared yet: {'; '.join(missing)}." if missing else ""
    text = f"""
The same recipe, seeds, minibatches and number of updates, once in single precision and once in
what `precision="fast"` chooses. "Seeds explain" is the largest difference of two means that the
spread over the seeds alone explains (Student's 95 % interval, from the pooled variance of both
ways): a difference below it is inside the spread, one above it is not. Trained for {share:g} of
the updates that `precision.py` plans for each family.{rest}
"""
    return f"""## {results.settings["machine"]["fast"]} against single precision

{paragraph(text)}

{precision.table(results)}

Machine: {where(results)}.
"""


def seeds_section() -> str:
    """A leading seed axis."""
    results = stored_results("seeds")
    difference = results["equality"]["largest difference of a weight"]
    text = f"""
The weights of ten models of lesson 2 stacked by `torch.func.stack_module_state`, with batched
products and one fused Adam, against ten updates one after the other; in multiples of one
model's update. In double precision the weights of both differ by at most {difference:.0e} after
three updates. An axis for the seeds shares what ten models call in turn, but not their matrix
products: ten models have ten times as many in any arrangement. At the lesson's 256 units it
saves too little to be worth a second form of every step, so that the course trains its seeds
one after the other, or side by side in processes (`python -m aae_lessons.references make …
--jobs`).
"""
    return f"""## Ten seeds in one process

{paragraph(text)}

{seeds.table(results)}

Machine: {where(results)}.
"""


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
