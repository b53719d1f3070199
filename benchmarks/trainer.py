"""How fast is the trainer in the browser, does the page stay responsive, what does it reach?

    python benchmarks/trainer.py                  # speed, frames, input to paint, the page
    python benchmarks/trainer.py --site OUT       # the page is the landing page of a built site
    python benchmarks/trainer.py --shapes         # drawn shapes, three seeds: the painter's table
    python benchmarks/trainer.py --json           # the same, for programs

Speed: 3,000 updates of 784-128-128-2, batch 64, under node on one core, as wall-clock and as CPU
seconds (plain JavaScript: 10 times 300 updates). Frames: the game on pictures of two pixels, in
Chromium, with field and arrows in every frame; frames and updates a second. Input to paint: from
the browser's time stamp of an arrow key that moves the pen of the painter, or the game's cross,
until the next frame has been painted, while each trains. A training: seconds of the painter's
whole page in Chromium for 3,000 updates, pictures and measurements included, and CPU seconds of
all its processes, by the fastest build, and where a content policy leaves plain JavaScript. The
page: bytes of all files that it has begun to load when its painter can train, and milliseconds
from its opening until then.
`load_1min` says how busy the machine was: only `cpu` can be trusted where it is high.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from explorers import FLAGS, chromium
from playwright.sync_api import Browser, Page, sync_playwright

from aae_lessons import data
from aae_lessons.widgets import bundle, digits, drawn_shapes, static
from aae_lessons.widgets.game import AdversarialGameExplorer
from aae_lessons.widgets.painter import PriorPainter

BUILDS = {"relaxed": 3000, "simd": 3000, "javascript": 300}  # updates that are timed
UPDATES, SECONDS, KEYS, SEEDS = 3000, 4, 60, 3
POLICIES = {"webassembly": None, "javascript": "script-src 'unsafe-inline' blob: data:"}
POLICY = '<head>\n<meta http-equiv="Content-Security-Policy" content="{}">'
SHAPES = ("ring", "heart", "two ovals", "three dots", "letter S", "spiral")
RELAXED = "--experimental-wasm-relaxed-simd"  # node 20 has these instructions behind a flag

SPEED = """
const images = new Float32Array(new Uint8Array(readFileSync(`${folder}/unpacked`)).buffer);
const trainer = await Trainer.create({ ...OPTIONS }, images, PRIORS.ring, [kind]);
for (let i = 0; i < 30; i++) trainer.update(); // compiled by now
const [began, busy] = [performance.now(), process.cpuUsage()];
for (let i = 0; i < updates; i++) trainer.update();
const { user, system } = process.cpuUsage(busy);
const wall = performance.now() - began;
const seconds = { wall: wall / 1e3, cpu: (user + system) / 1e6 };
console.log(JSON.stringify({ kind: trainer.ops.kind, ...seconds }));
"""
DRAWN = """
const { images, shown } = await digits();
const strokes = SHAPES[shape];
const { points, middle, spread } = drawnPrior(strokes, 0.12);
const found = [];
for (let seed = 0; seed < seeds; seed++) {
  const session = new Session();
  const sets = { test: shown, training: images.slice(0, shown.length) };
  const options = { ...OPTIONS, seed: 1000 + seed };
  await session.answer({ kind: "open", options, images, shown: sets, prior: { points } });
  const look = { match: true, ink: { strokes, reach: 0.06, middle, spread } };
  const plan = { milliseconds: 1e9, count: updates, from: 0, until: updates };
  const { match, ink } = await session.answer({ kind: "run", ...plan, look });
  found.push({ match, ink });
}
console.log(JSON.stringify(found));
"""
DIGITS = """
import { readFileSync } from "node:fs";
const packed = (name) => unpackDigits(readFileSync(`${folder}/${name}`));
const digits = async () => ({ images: await packed("training"), shown: await packed("shown") });
"""
WATCH_FRAMES = """
(seconds) => new Promise((done) => {
  const game = document.querySelector(".aae-game");
  const first = +game.dataset.updates;
  let frames = 0;
  const observer = new MutationObserver(() => frames++);
  observer.observe(game, { attributes: true, attributeFilter: ["data-updates"] });
  const rates = () => [frames / seconds, (game.dataset.updates - first) / seconds];
  setTimeout(() => done(rates()), 1e3 * seconds);
})
"""
WATCH_KEYS = """
() => {
  window.latencies = [];
  addEventListener("keydown", ({ timeStamp }) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => window.latencies.push(performance.now() - timeStamp);
    port2.postMessage(0); // comes after the frame was painted
  }), true);
}
"""
READY = """
() => new MutationObserver((_, observer) => {
  const buttons = [...document.querySelectorAll(".aae-painter button")];
  if (!buttons.some(({ textContent, disabled }) => textContent === "train" && !disabled)) return;
  console.log("ready", (window.readyAt = performance.now()));
  observer.disconnect();
}).observe(document, { subtree: true, childList: true, attributes: true })
"""


def node(script: str, **values: Any) -> Any:
    """What a script prints under node, as JSON, after painting.js, shapes.js and the digits."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("training", "shown"):
            (Path(folder) / name).write_bytes(getattr(digits.packed(), name))
        if "unpacked" in script:  # as a worker gets them: V8 is slower after inflating
            pixels = data.mnist("train", "cpu").x[: digits.TRAINING]
            (Path(folder) / "unpacked").write_bytes(pixels.numpy().tobytes())
        names = {"folder": folder, **values}
        constants = "".join(f"const {k} = {json.dumps(v)};\n" for k, v in names.items())
        text = bundle.script("painting") + bundle.script("shapes") + constants + DIGITS + script
        command = ["node", RELAXED, "--input-type=module", "-"]
        return json.loads(
            subprocess.run(command, input=text, capture_output=True, check=True, text=True).stdout
        )


def speed() -> dict[str, float]:
    """Wall-clock and CPU seconds of 3,000 updates, for each build."""
    result = {}
    for kind, updates in BUILDS.items():
        found = node(SPEED, kind=kind, updates=updates)
        for clock in ("wall", "cpu"):
            result[f"{found['kind']}_{clock}_s"] = found[clock] * UPDATES / updates
    return result


def opened(browser: Browser, folder: Path, explorer: Any, selector: str) -> Page:
    """A page of one explorer, from a file."""
    path = folder / f"{explorer.model_id}.html"
    path.write_text(static.page(explorer, title="Measured"), "utf-8")
    page = browser.new_page(viewport={"width": 1000, "height": 1000})
    page.goto(path.as_uri())
    page.wait_for_selector(selector, timeout=60_000)
    return page


def keys(page: Page, selector: str, count: int = KEYS) -> dict[str, float]:
    """Milliseconds from arrow keys to the painted frame: median and 95th percentile."""
    page.evaluate(WATCH_KEYS)
    page.locator(selector).focus()
    for i in range(count):
        page.keyboard.press("ArrowRight" if i % 20 < 10 else "ArrowLeft")
        page.wait_for_timeout(35)
    result = sorted(page.evaluate("window.latencies"))
    p95 = result[int(0.95 * (len(result) - 1))]
    return {"input_median_ms": statistics.median(result), "input_p95_ms": p95}


def game(browser: Browser, folder: Path, kind: str, updates: int) -> dict[str, float]:
    """Frames and updates a second, and input to paint, while the game plays."""
    page = opened(browser, folder, AdversarialGameExplorer((kind,)), "[data-updates]")
    page.get_by_label("speed").select_option(str(updates))
    page.get_by_role("button", name="play", exact=True).click()
    page.wait_for_timeout(1500)
    frames, done = page.evaluate(WATCH_FRAMES, SECONDS)
    result = {"frames_per_s": frames, "updates_per_s": done} | keys(page, ".aae-game .aae-cross")
    page.close()
    return {f"game_{kind}_{name}": value for name, value in result.items()}


def painter(browser: Browser, folder: Path) -> dict[str, float]:
    """Input to paint while a drawn prior trains."""
    page = opened(browser, folder, PriorPainter(strokes=[[-0.5, 0.0, 0.5, 0.0]]), ".aae-paint")
    page.get_by_role("button", name="train", exact=True).click()
    page.wait_for_function("document.querySelector('progress').value > 0", timeout=60_000)
    result = keys(page, ".aae-paint")
    page.close()
    return {f"painter_{name}": value for name, value in result.items()}


def whole_training(
    browser: Browser, folder: Path, kind: str, policy: str | None
) -> dict[str, float]:
    """Seconds of a training with all that the page shows of it, and CPU seconds of Chromium."""
    painter = PriorPainter(strokes=[[-0.5, 0.0, 0.5, 0.0]])
    painter.updates = UPDATES
    path = folder / f"training_{kind}.html"
    text = static.page(painter, title="Measured")
    path.write_text(text.replace("<head>", POLICY.format(policy), 1) if policy else text, "utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    before = busy(browser)
    page.get_by_role("button", name="train", exact=True).click()
    status = page.locator(".aae-painter :text('done: ')").first
    words = status.inner_text(timeout=1e6)
    after = busy(browser)
    page.close()
    assert ("plain JavaScript" in words) == (kind == "javascript"), words
    wall = float(words.split(" updates in ")[1].split(" s ")[0])
    return {f"page_{kind}_wall_s": wall, f"page_{kind}_cpu_s": after - before}


def busy(browser: Browser) -> float:
    """CPU seconds of all of the browser's processes so far."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return sum(process["cpuTime"] for process in processes)


def landing(browser: Browser, folder: Path, site: Path | None) -> dict[str, float]:
    """Bytes of what a page loads until its painter can train, and how long that takes."""
    path = site / "index.html" if site else folder / "landing.html"
    if site is None:
        path.write_text(static.page(PriorPainter(strokes=[[-0.5, 0.0, 0.5, 0.0]]), title="Draw"))
    times: list[float] = []
    for _ in range(5):
        page = browser.new_page()
        page.add_init_script(f"({READY})()")
        events: list[str] = []  # requests, and that the painter is ready, in their order
        page.on("request", lambda request, to=events: to.append(request.url))
        page.on("console", lambda message, to=events: to.append(message.text.split()[0]))
        page.goto(path.as_uri(), wait_until="load")
        page.wait_for_function("window.readyAt", timeout=60_000)
        times.append(page.evaluate("window.readyAt"))
        page.close()
    total = sum(map(size_of, set(events[: events.index("ready")])))
    return {"page_bytes": total, "page_ready_ms": statistics.median(times)}


def size_of(address: str) -> int:
    """The bytes of a local file; 0 of what is no file."""
    path = Path(unquote(urlsplit(address).path))
    return path.stat().st_size if address.startswith("file:") and path.is_file() else 0


def shapes(seeds: int = SEEDS, updates: int = UPDATES) -> dict[str, Any]:
    """Of each shape, for each seed: percent of codes off the ink, distances over their floor."""
    result: dict[str, Any] = {"updates": updates, "shapes": {}}
    for shape in SHAPES:
        runs = node(DRAWN, shape=shape, seeds=seeds, updates=updates)
        row = result["shapes"][shape] = {}
        for part in ("test", "training"):
            row[f"{part}_off_ink_percent"] = [round(100 * run["ink"][part], 2) for run in runs]
            row[f"{part}_over_floor"] = [round(run["match"][part], 2) for run in runs]
        print(f"{shape:12} {row}", flush=True)
    return result


def measure(site: Path | None = None) -> dict[str, float]:
    """All figures but the shapes', by name."""
    result = {"load_1min": os.getloadavg()[0]} | speed()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as name:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for kind, updates in (("simd", 10), ("javascript", 1)):
            result |= game(browser, Path(name), kind, updates)
        for kind, policy in POLICIES.items():
            result |= whole_training(browser, Path(name), kind, policy)
        result |= painter(browser, Path(name)) | landing(browser, Path(name), site)
        browser.close()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument(
        "--shapes",
        action="store_true",
        help="train on drawn shapes, and write the painter's table",
    )
    parser.add_argument("--site", type=Path, help="folder of a built site")
    args = parser.parse_args()
    if args.shapes:
        drawn_shapes.RECORD.write_text(json.dumps(shapes(), indent=1) + "\n", "utf-8")
        return
    result = measure(args.site and args.site.resolve())
    if args.json:
        print(json.dumps(result, indent=1))
        return
    for name, value in result.items():
        print(f"{name:40} {value:10.1f}")


if __name__ == "__main__":
    main()
