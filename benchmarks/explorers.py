"""How long from pointer to picture? The decoder in the browser, and a prior drawn by hand.

A page with a LatentExplorer is opened in Chromium and the pointer dragged over its plane, 200
moves. For each, the time from the browser's time stamp of the pointer event to the moment the
decoded digit has been drawn into its canvas (``putImageData`` done). Decoders of 2-256-256-784
and of 2-1000-1000-784, leaky ReLU, half-precision weights; 1000 codes in the plane, 5 nearest
digits drawn as well. No kernel takes part: the page is the static one.

With ``--painter`` also: seconds of training, one CPU process, until a heart drawn by hand is the
prior that held-out codes match (accuracy of the two-sample test; 0.5 is a perfect match).

    python benchmarks/explorers.py                # the table
    python benchmarks/explorers.py --json         # the same, for programs
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import torch
from ipywidgets.embed import embed_data
from playwright.sync_api import Browser, Page, sync_playwright

from aae_lessons import data, metrics, priors, training
from aae_lessons.models import adversarial
from aae_lessons.widgets import static
from aae_lessons.widgets.latent import LatentExplorer
from aae_lessons.widgets.painter import points

MOVES = 200
WIDTHS = (256, 1000)
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
HEART = [[0.0, 0.25, 0.35, 0.6, 0.7, 0.3, 0.0, -0.7, -0.7, 0.3, -0.35, 0.6, 0.0, 0.25]]
WATCH = """
() => {
  const put = CanvasRenderingContext2D.prototype.putImageData;
  let stamp = null;
  for (const kind of ["pointermove", "pointerrawupdate"])
    addEventListener(kind, (event) => (stamp = event.timeStamp), true);
  CanvasRenderingContext2D.prototype.putImageData = function (...rest) {
    put.apply(this, rest);
    if (stamp !== null && this.canvas.classList.contains("aae-main")) {
      window.latencies.push(performance.now() - stamp);
      stamp = null;
    }
  };
}
"""


def chromium() -> str:
    """The browser's path."""
    names = ("chromium", "chromium-browser", "google-chrome")
    result = next(filter(None, [os.environ.get("AAE_CHROMIUM"), *map(shutil.which, names)]), None)
    if result is None:
        raise SystemExit("no Chromium was found: apt-get install chromium, or set AAE_CHROMIUM")
    return result


def write_page(path: Path, width: int) -> None:
    """A static page of one LatentExplorer over 1000 test digits."""
    torch.manual_seed(0)
    config = adversarial.Config(hidden=(width, width))
    test = data.mnist("test", "cpu").subset(slice(0, 1000))
    explorer = LatentExplorer(adversarial.AAE(priors.Gaussian(2), config), test.x, test.labels)
    states = embed_data(views=[explorer], drop_defaults=False)["manager_state"]["state"]
    ids = [explorer.model_id]
    body = static.place(ids[0]) + static.scripts(states, ids)
    path.write_text(f"<!doctype html><meta charset=utf-8>{body}", "utf-8")


def drag(page: Page, moves: int) -> list[float]:
    """Milliseconds from pointer to picture for each of so many moves."""
    page.evaluate("window.latencies = []")
    box = page.locator(".aae-cross").bounding_box()
    left, top, reach = box["x"] + 40, box["y"] + 10, box["width"] - 60
    page.mouse.move(left, top)
    page.mouse.down()
    for i in range(1, moves + 1):
        page.mouse.move(
            left + reach * (0.5 + 0.4 * ((i * 37) % 100) / 100), top + reach * i / moves
        )
    page.mouse.up()
    return page.evaluate("window.latencies")


def latencies(browser: Browser, folder: Path, width: int, moves: int) -> dict[str, float]:
    """Median, 95th percentile and number of pictures."""
    path = folder / f"{width}.html"
    write_page(path, width)
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector(".aae-latent")
    page.wait_for_timeout(1000)
    page.evaluate(WATCH)
    drag(page, 20)  # the script is compiled by now
    result = sorted(drag(page, moves))
    page.close()
    return {
        "median_ms": statistics.median(result),
        "p95_ms": result[int(0.95 * (len(result) - 1))],
        "moves": len(result),
    }


def painted(epochs: int) -> dict[str, float]:
    """Seconds to train on a drawn prior, and how well held-out codes match it."""
    torch.manual_seed(0)
    drawn = points(HEART, brush=0.12)
    prior = priors.Painted(
        (drawn - drawn.mean(0)) / (drawn - drawn.mean(0)).square().mean().sqrt()
    )
    config = adversarial.JointConfig(
        hidden=(128, 128),
        discriminator_hidden=(128, 128),
        weight=40.0,
        lr=1e-3,
        discriminator_lr=1e-3,
    )
    model = adversarial.AAE(prior, config)
    batches = data.Minibatches(data.mnist("train", "cpu"), size=128)
    began, busy = time.perf_counter(), time.process_time()
    training.fit(
        adversarial.joint_step,
        model,
        batches,
        epochs=epochs,
        schedule=training.constant_then_linear,
        progress=False,
    )
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    with torch.no_grad():
        z = model.encode(data.mnist("test", "cpu").x)
    classifier = metrics.c2st_accuracy(z, prior)
    return {"painter_seconds": seconds, "painter_cpu_seconds": busy, "painter_judge": classifier}


def measure(moves: int = MOVES, painter: bool = False, epochs: int = 5) -> dict[str, float]:
    """All figures, by name; ``load_1min`` says how busy the machine was."""
    result: dict[str, float] = {"load_1min": os.getloadavg()[0]}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for width in WIDTHS:
            for name, value in latencies(browser, Path(folder), width, moves).items():
                result[f"{width}_{name}"] = value
        browser.close()
    return result | (painted(epochs) if painter else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--painter", action="store_true", help="train on a drawn prior too")
    parser.add_argument("--moves", type=int, default=MOVES)
    args = parser.parse_args()
    result = measure(args.moves, args.painter)
    if args.json:
        print(json.dumps(result, indent=1))
        return
    for name, value in result.items():
        print(f"{name:20} {value:8.2f}")


if __name__ == "__main__":
    main()
