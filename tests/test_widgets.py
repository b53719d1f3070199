"""The explorers without a browser: traits, what is sent, what is refused, the same JavaScript
under node (where there is one) against torch."""

import json
import math
import shutil
import subprocess
import threading
import zlib

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from traitlets import TraitError, link

from aae_lessons import data, plots, priors, references
from aae_lessons.authoring.site.repository import ROOT
from aae_lessons.models import adversarial, categorical, semi_supervised
from aae_lessons.networks import conv_decoder, mlp
from aae_lessons.training import History
from aae_lessons.widgets import bundle, density, drawn_shapes, packing, static
from aae_lessons.widgets import digits as digits_of_a_page
from aae_lessons.widgets.class_style import ClassStyleExplorer
from aae_lessons.widgets.costs import CostDiscrepancyExplorer
from aae_lessons.widgets.game import AdversarialGameExplorer, questions
from aae_lessons.widgets.interpolation import InterpolationExplorer
from aae_lessons.widgets.latent import LatentExplorer, latent_explorer
from aae_lessons.widgets.menus import figure_menus
from aae_lessons.widgets.painter import POINTS, PriorPainter, Stopped, points
from aae_lessons.widgets.questions import PAINTER, folded
from aae_lessons.widgets.scrubber import TrainingScrubber

WIDGETS = ["latent", "interpolation", "scrubber", "class_style", "painter", "costs", "game"]
SVG_NAMES = "http://www.w3.org/2000/svg"  # a name, never an address
PNG = b"\x89PNG"

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def node(script):
    """What a module prints under node, as JSON."""
    command = ["node", "--input-type=module", "-"]
    done = subprocess.run(command, input=script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = adversarial.Config(hidden=(32, 32), discriminator_hidden=(16,))
    return adversarial.AAE(priors.Gaussian(2), config)


@pytest.fixture(scope="module")
def two_part_model():
    torch.manual_seed(0)
    return semi_supervised.SemiSupervisedAAE(
        semi_supervised.Config(dim=4, hidden=(32, 32), weight_std=0.1)
    )


def sent(widget):
    """Bytes that opening the widget sends, script included."""
    state = widget.get_state()
    binary = sum(len(v) for v in state.values() if isinstance(v, bytes))
    rest = {k: v for k, v in state.items() if not isinstance(v, bytes) and k != "layout"}
    return binary + len(json.dumps(rest))


def answers(widget, content):
    """What a widget sends back for a browser's message."""
    result = []
    widget.send = lambda reply, buffers=None: result.append((reply, buffers))
    widget._handle_custom_msg(content, [])
    return result


# ---------------------------------------------------------------------------- JavaScript


@pytest.mark.parametrize("name", [*WIDGETS, "static"])
def test_a_script_is_one_module(name):
    text = bundle.script(name)
    assert "\nimport " not in text and not text.startswith("import ")
    assert text.count("export default") == (name != "static")
    text = text.replace(SVG_NAMES, "")
    assert "http://" not in text and "https://" not in text  # nothing is fetched


@needs_node
@pytest.mark.parametrize("name", [*WIDGETS, "static"])
def test_a_script_is_valid_and_its_names_differ(name):
    command = ["node", "--input-type=module", "--check"]
    done = subprocess.run(command, input=bundle.script(name), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_unknown_script_is_refused():
    with pytest.raises(ValueError, match=r"^name"):
        bundle.script("nothing")


def decoded_by_node(folder, decoder, z):
    """Images (n, outputs) that the browser's script makes of codes, in 255 steps."""
    layout, weights = packing.network(decoder)
    (folder / "weights").write_bytes(weights)
    (folder / "codes").write_bytes(z.numpy().astype("<f4").tobytes())
    out = folder / "greys"
    script = f"""
import {{ readFileSync, writeFileSync }} from "node:fs";
{bundle.script("decode")}
const view = (path) => {{
  const b = readFileSync(path);
  return new DataView(b.buffer, b.byteOffset, b.byteLength);
}};
const net = network({json.dumps(layout)}, view("{folder / "weights"}"));
const codes = view("{folder / "codes"}"), size = {z.shape[1]};
const found = [];
for (let i = 0; i < {len(z)}; i++) {{
  const at = (_, j) => codes.getFloat32(4 * (i * size + j), true);
  const z = Float32Array.from({{length: size}}, at);
  found.push(Buffer.from(greys(run(net, z))));
}}
writeFileSync("{out}", Buffer.concat(found));
console.log(found.length);
"""
    assert node(script) == len(z)
    greys = torch.frombuffer(bytearray(out.read_bytes()), dtype=torch.uint8)
    return greys.view(len(z), -1).float() / 255


@needs_node
@pytest.mark.parametrize("name", ["adversarial-gaussian", "adversarial-swiss-roll"])
def test_the_browsers_decoder_agrees_with_torch_on_trained_weights(tmp_path, name):
    model = references.load(name).model
    z = 2 * torch.randn(1000, 2)
    mine = decoded_by_node(tmp_path, model.decoder, z)
    assert (mine - model.decode(z)).abs().max() < 0.01


@needs_node
@pytest.mark.parametrize("activation", [nn.ReLU, lambda: nn.LeakyReLU(0.2)])
def test_the_browsers_decoder_agrees_with_torch_on_wide_networks(tmp_path, activation):
    decoder = mlp((2, 1000, 1000, 784), activation)
    with torch.no_grad():
        for layer in decoder[::2]:
            layer.weight.mul_(1.7)  # pictures with contrast, as of trained weights
            layer.bias.normal_()
    z = 2 * torch.randn(1000, 2)
    x_hat = decoder(z).sigmoid()
    assert x_hat.std() > 0.2
    assert (decoded_by_node(tmp_path, decoder, z) - x_hat).abs().max() < 0.01


@needs_node
def test_halves_and_deflated_bytes_arrive_whole(tmp_path):
    values = torch.tensor([0.0, -0.0, 1.0, -2.5, 65504.0, 6e-8, 6.1e-5, 0.1, math.inf])
    (tmp_path / "halves").write_bytes(packing.halves(values))
    (tmp_path / "small").write_bytes(packing.small(bytes(range(256)) * 40))
    result = node(
        f"""
import {{ readFileSync }} from "node:fs";
{bundle.script("decode")}
const b = readFileSync("{tmp_path / "halves"}");
const back = halves(new DataView(b.buffer, b.byteOffset, b.byteLength));
const large = await inflate(readFileSync("{tmp_path / "small"}"));
console.log(JSON.stringify([[...back].map(String), large.length, large[300]]));
"""
    )
    assert [float(v.replace("Infinity", "inf")) for v in result[0]] == values.half().tolist()
    assert result[1:] == [256 * 40, 300 % 256]


@needs_node
def test_the_nearest_codes_are_the_nearest():
    codes = torch.randn(200, 2)
    z = [0.3, -0.4]
    text = bundle.script("latent").replace("export default", "const widget =")
    script = f"{text}\nconsole.log(JSON.stringify(nearest({codes.flatten().tolist()}, {z}, 5)));"
    result = node(script)
    distance = (codes - torch.tensor(z)).norm(dim=1)
    assert [f["index"] for f in result] == distance.argsort()[:5].tolist()
    assert result[0]["distance"] == pytest.approx(distance.min().item(), abs=1e-5)


@needs_node
def test_a_dragged_bar_leaves_probabilities():
    text = bundle.script("class_style").replace("export default", "const widget =")
    calls = "[withShare([1,0,0],0,.4), withShare([.5,.3,.2],1,.65), withShare([.2,.8],0,7)]"
    result = node(f"{text}\nconsole.log(JSON.stringify({calls}));")
    assert result[0] == pytest.approx([0.4, 0.3, 0.3])
    assert result[1] == pytest.approx([0.25, 0.65, 0.1])
    assert result[2] == pytest.approx([1, 0])


# ------------------------------------------------------------------------------- packing


def test_only_networks_of_this_course_go_to_the_browser():
    assert packing.network(mlp((2, 5, 784)))[0] == {"sizes": [2, 5, 784], "slope": 0.2}
    assert packing.network(mlp((2, 5, 784), nn.ReLU))[0]["slope"] == 0.0
    others = [
        conv_decoder(2),
        mlp((2, 5, 784), nn.Tanh),
        nn.Sequential(nn.Linear(2, 5, bias=False), nn.ReLU(), nn.Linear(5, 784)),
        nn.Sequential(
            nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 5), nn.LeakyReLU(), nn.Linear(5, 3)
        ),
        nn.Sequential(nn.Linear(2, 784), nn.ReLU()),
        None,
    ]
    for decoder in others:
        assert packing.network(decoder) is None


def test_what_is_packed_decodes_to_the_same(model):
    z = torch.randn(100, 2)
    packed = packing.network(model.decoder)
    assert (packing.decoded(*packed, z) - model.decode(z)).abs().max() < 0.003


# -------------------------------------------------------------------------------- latent


def test_a_latent_explorer_shows_what_the_model_has(model, digits):
    explorer = LatentExplorer(model, digits.x, digits.labels)
    z = torch.frombuffer(bytearray(explorer.codes), dtype=torch.float16).view(500, 2)
    torch.testing.assert_close(z.float(), model.encode(digits.x), rtol=1e-2, atol=1e-2)
    assert list(explorer.labels) == digits.labels.tolist()
    assert explorer.in_browser and len(explorer.contours) == 3 and len(explorer.opinion) == 65 * 65
    assert len(explorer.picture) == 784
    assert "prior" in explorer.caption
    bare = LatentExplorer(model, prior=False, discriminator=False)
    assert not bare.codes and not bare.contours and not bare.opinion
    assert bare.extent == [-3, 3, -3, 3]


def test_its_code_is_an_ordinary_trait(model):
    one, other = LatentExplorer(model), LatentExplorer(model)
    seen = []
    one.observe(lambda change: seen.append(change["new"]), names="z")
    link((one, "z"), (other, "z"))
    one.z = [1, -2.0]
    assert seen == [[1.0, -2.0]] and other.z == [1.0, -2.0]
    torch.testing.assert_close(one.x_hat, model.decode(torch.tensor([[1.0, -2.0]])))
    for wrong in ([1.0], [1.0, 2.0, 3.0], [math.nan, 0.0], [math.inf, 0.0]):
        with pytest.raises(TraitError, match=r"z: got .* expected two finite numbers"):
            one.z = wrong


def test_contours_hold_their_share_of_the_prior():
    extent = (-4.0, 4.0, -4.0, 4.0)
    result = density.contours(priors.Gaussian(2), extent)
    for contour, mass in zip(result, (0.5, 0.9, 0.99), strict=True):
        line = torch.tensor(contour["lines"][0]).view(-1, 2)
        radius = math.sqrt(-2 * math.log(1 - mass))
        assert contour["mass"] == mass
        torch.testing.assert_close(
            line.norm(dim=1), torch.full((len(line),), radius), atol=0.1, rtol=0
        )


def test_contours_of_samples_lie_where_those_of_the_density_do():
    class Sampled:
        dim = 2

        def sample(self, n, device=None):
            return priors.Gaussian(2).sample(n) + torch.tensor([0.0, 1.0])

    line = torch.tensor(density.contours(Sampled(), (-4.0, 4.0, -4.0, 4.0))[0]["lines"][0])
    centred = line.view(-1, 2) - torch.tensor([0.0, 1.0])
    assert centred.norm(dim=1).mean().item() == pytest.approx(math.sqrt(2 * math.log(2)), abs=0.1)


def test_the_opinion_is_laid_out_from_the_top_left(model):
    rows = {"up": lambda z: 9 * z[:, 1], "right": lambda z: 9 * z[:, 0]}
    grids = {
        name: torch.tensor(list(LatentExplorer(model, discriminator=d).opinion)).view(65, 65)
        for name, d in rows.items()
    }
    assert (grids["up"][0] == 255).all() and (grids["up"][-1] == 0).all()
    assert (grids["right"][:, -1] == 255).all() and (grids["right"][:, 0] == 0).all()


def test_a_model_told_labels_is_asked_without_one():
    mixture, config = (
        priors.GaussianMixture(),
        adversarial.Config(hidden=(8,), label_classes=10),
    )
    assert LatentExplorer(adversarial.AAE(mixture, config)).opinion


def test_the_kernel_decodes_where_the_browser_cant():
    explorer = latent_explorer(lambda z: torch.sigmoid(z[:, :1] - z[:, 1:]).expand(-1, 784))
    assert not explorer.in_browser and not explorer.weights
    question = {"kind": "decode", "from": "a", "number": 3, "codes": [[0.0, 0.0], [9.0, 0.0]]}
    [(reply, buffers)] = answers(explorer, question)
    assert reply == {"from": "a", "number": 3, "kind": "pictures"}
    assert len(buffers[0]) == 2 * 784 and buffers[0][0] == 128 and buffers[0][784] == 255


def test_a_decoder_that_fails_says_why():
    def decode(z):
        if (z > 5).any():
            raise ArithmeticError("too far")
        return torch.zeros(len(z), 784)

    explorer = LatentExplorer(decode)
    question = {"kind": "decode", "from": "a", "number": 1, "codes": [[9.0, 0.0]]}
    [(reply, _)] = answers(explorer, question)
    assert reply["kind"] == "error" and "too far" in reply["text"]
    assert answers(explorer, {"kind": "another"}) == []


def test_a_decoder_that_does_something_else_stays_in_the_kernel(model):
    class Inverted(nn.Module):
        def __init__(self):
            super().__init__()
            self.decoder = model.decoder

        def decode(self, z):
            return 1 - self.decoder(z).sigmoid()

    assert not LatentExplorer(Inverted()).in_browser
    assert latent_explorer(model.decode).in_browser


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("model", {"model": 3}),
        ("extent", {"extent": 0.0}),
        ("extent", {"extent": math.nan}),
        ("shape", {"x": torch.rand(5, 783), "labels": torch.zeros(5, dtype=torch.int64)}),
        ("x", {"x": torch.rand(5, 100), "labels": torch.zeros(5, dtype=torch.int64)}),
        ("x", {"labels": torch.zeros(5, dtype=torch.int64)}),
        ("shape", {"shape": (28, 27)}),
        ("shape", {"shape": (2, 14, 28)}),
        ("x", {"x": 255 * torch.rand(5, 784), "labels": torch.zeros(5, dtype=torch.int64)}),
        ("x", {"z": torch.rand(5, 2)}),
        ("labels", {"x": torch.rand(5, 784), "labels": torch.zeros(4, dtype=torch.int64)}),
        ("labels", {"x": torch.rand(5, 784), "labels": torch.full((5,), 100)}),
        ("z", {"x": torch.rand(5, 784), "labels": torch.zeros(5).long(), "z": torch.rand(5, 3)}),
        (
            "z",
            {"x": torch.rand(1, 784), "labels": torch.zeros(1).long(), "z": torch.ones(1, 2) / 0},
        ),
        ("prior", {"prior": priors.Gaussian(3)}),
        (r"discriminator\(z\)", {"discriminator": lambda z: z}),
    ],
)
def test_a_latent_explorer_refuses(model, name, arguments):
    with pytest.raises(ValueError, match=f"^{name}"):
        LatentExplorer(**{"model": model, **arguments})


def test_a_decoder_of_other_pictures_is_refused():
    x = torch.rand(5, 784)
    for wrong in (lambda z: torch.zeros(len(z), 100), lambda z: 3, lambda z: 9 * z[:, :1]):
        with pytest.raises(ValueError, match=r"^decode\(z\)"):
            LatentExplorer(wrong, x, z=torch.rand(5, 2))
    with pytest.raises(ValueError, match=r"^shape: got None, for images of 99 numbers"):
        latent_explorer(lambda z: torch.zeros(len(z), 99))


def test_a_wide_explorer_sends_at_most_four_megabytes():
    wide = adversarial.AAE(priors.Gaussian(2), adversarial.Config(hidden=(1000, 1000)))
    test = data.mnist("test", "cpu").subset(slice(0, 1000))
    explorer = LatentExplorer(wide, test.x, test.labels)
    assert explorer.in_browser and 3_500_000 < sent(explorer) < 4_000_000


# ----------------------------------------------------------------------- interpolation


def test_the_ends_of_both_lines(model, digits):
    few = digits.subset(slice(0, 10))
    explorer = InterpolationExplorer(model, few.x, few.labels)
    assert explorer.in_browser and explorer.names == [str(k) for k in few.labels.tolist()]
    explorer.start, explorer.end = 3, 7
    pixels, decoded = explorer.between(torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(pixels[0], few.x[3])
    torch.testing.assert_close(pixels[1], (few.x[3] + few.x[7]) / 2)
    torch.testing.assert_close(decoded[2], model(few.x)[7])
    z = model.encode(few.x)
    torch.testing.assert_close(decoded[1], model.decode((z[3:4] + z[7:8]) / 2)[0])
    for name, value in (("start", 10), ("end", -1), ("t", 1.5), ("t", math.nan)):
        with pytest.raises(TraitError, match=f"^{name}"):
            setattr(explorer, name, value)


class Undecided(nn.Module):
    """A model that decodes and does not encode."""

    def decode(self, z):
        return z[:, :1].sigmoid().expand(-1, 784)


def test_both_parts_of_a_code_are_mixed(two_part_model, digits):
    few = digits.subset(slice(0, 4))
    explorer = InterpolationExplorer(two_part_model, few.x, few.labels)
    assert explorer.network["sizes"][0] == 14
    _, decoded = explorer.between(torch.tensor([0.0]))
    torch.testing.assert_close(decoded[0], two_part_model(few.x)[0])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("x", {"x": torch.rand(1, 784)}),
        ("x", {"x": torch.rand(101, 784)}),
        ("labels", {"labels": torch.zeros(3).long()}),
        ("codes", {"codes": torch.rand(3, 2)}),
        ("model", {"model": lambda z: z}),
        ("codes", {"model": Undecided()}),
    ],
)
def test_an_interpolation_explorer_refuses(model, digits, name, arguments):
    few = digits.subset(slice(0, 4))
    usual = {"model": model, "x": few.x, "labels": few.labels}
    with pytest.raises(ValueError, match=f"^{name}"):
        InterpolationExplorer(**{**usual, **arguments})


# ------------------------------------------------------------------------------ scrubber


def history(shots):
    losses = {"reconstruction": [3.0, 2.0, 1.0], "discriminator": [1.4, 1.39, 1.38]}
    return History([10, 20, 30], losses, shots)


def test_a_scrubber_of_ones_own_run():
    shots = [torch.randn(20, 2) + e for e in range(4)]
    labels = torch.arange(20) % 10
    explorer = TrainingScrubber(history(shots), labels, prior=priors.Gaussian(2))
    assert explorer.epochs == 3 and len(explorer.codes) == 4 * 20 * 2 * 2
    assert [line["name"] for line in explorer.lines] == [
        "reconstruction loss",
        "discriminator loss",
    ]
    assert explorer.lines[0]["ys"] == [3, 2, 1] and "level" not in explorer.lines[0]
    assert explorer.lines[1]["level"]["value"] == pytest.approx(2 * math.log(2))
    assert len(explorer.contours) == 3
    for wrong in (-1, 4):
        with pytest.raises(TraitError, match=r"^epoch: got"):
            explorer.epoch = wrong


def test_a_scrubber_of_samples_and_numbers():
    shots = [{"samples": torch.full((6, 784), e / 4), "test_error": float(e)} for e in range(3)]
    explorer = TrainingScrubber(history(shots))
    assert not explorer.codes and explorer.sample_count == 6
    assert explorer.lines[-1] == {"name": "test error", "xs": [0, 1, 2], "ys": [0, 1, 2]}
    pixels = torch.frombuffer(bytearray(zlib.decompress(explorer.samples)), dtype=torch.uint8)
    assert pixels.view(3, 6, 784)[:, 0, 0].tolist() == [0, 64, 128]


def test_wide_codes_are_shown_in_their_two_main_directions():
    z = torch.randn(300, 8) * torch.tensor([1.0, 5.0, 1.0, 1.0, 3.0, 1.0, 1.0, 1.0])
    explorer = TrainingScrubber(history([0 * z, z]))
    flat = torch.frombuffer(bytearray(explorer.codes), dtype=torch.float16).view(2, 300, 2).float()
    middle = z - z.mean(0)
    assert abs(flat[1, :, 0] @ middle[:, 1]) / (flat[1, :, 0].norm() * middle[:, 1].norm()) > 0.99
    assert "vary most" in explorer.caption


def test_a_reference_run_can_be_scrubbed():
    explorer = TrainingScrubber(
        references.load("adversarial-mixture"), data.mnist("test", "cpu").labels[:1000]
    )
    assert explorer.epochs == 40 and len(explorer.contours) == 3 and sent(explorer) < 1_000_000


@pytest.mark.parametrize(
    ("name", "shots", "labels"),
    [
        ("run", [], None),
        ("run", [torch.rand(3, 2)], None),
        ("run", [{}, {}], None),
        ("run", [{"z": torch.rand(3, 2)}, {"samples": torch.rand(3, 784)}], None),
        ("z", [torch.rand(3, 2), torch.rand(4, 2)], None),
        ("z", [torch.rand(3, 1), torch.rand(3, 1)], None),
        ("z", [torch.rand(3, 2), torch.ones(3, 2) / 0], None),
        ("labels", [torch.rand(3, 2), torch.rand(3, 2)], torch.zeros(4).long()),
        ("samples", [{"samples": torch.rand(3, 784)}, {"samples": torch.rand(2, 784)}], None),
    ],
)
def test_a_scrubber_refuses(name, shots, labels):
    with pytest.raises(ValueError, match=f"^{name}"):
        TrainingScrubber(history(shots), labels)


# --------------------------------------------------------------------------- class, style


def test_class_and_style(two_part_model, digits):
    explorer = ClassStyleExplorer(two_part_model, digits.x, digits.labels)
    assert explorer.in_browser and explorer.network["sizes"][0] == 14
    assert explorer.y == [1] + [0] * 9 and explorer.z == [0] * 4
    assert explorer.directions == [[1, 0, 0, 0], [0, 1, 0, 0]]
    assert explorer.radii == pytest.approx([1.177, 2.146, 3.035], abs=1e-3)
    explorer.y, explorer.z = [0.5, 0.5] + [0.0] * 8, [1.0, -1.0, 0.5, 2.0]
    expected = two_part_model.decode(torch.tensor([explorer.y]), torch.tensor([explorer.z]))
    torch.testing.assert_close(explorer.x_hat, expected)
    wrongs = [
        ("y", [1.0] * 10),
        ("y", [1.0]),
        ("y", [2.0, -1.0] + [0.0] * 8),
        ("z", [0.0] * 3),
        ("z", [math.nan] * 4),
        ("directions", [[1, 0, 0, 0], [1, 0, 0, 0]]),
        ("directions", [[2, 0, 0, 0], [0, 1, 0, 0]]),
    ]
    for name, value in wrongs:
        with pytest.raises(TraitError, match=f"^{name}: got"):
            setattr(explorer, name, value)


def test_a_class_without_style():
    torch.manual_seed(0)
    model = categorical.CategoricalAAE(categorical.Config(hidden=(16, 16)))
    explorer = ClassStyleExplorer(model)
    assert explorer.z == [] and explorer.directions == [] and explorer.in_browser
    explorer.y = [0.1] * 10
    torch.testing.assert_close(explorer.x_hat, model.decode(torch.full((1, 10), 0.1)))
    height, width = explorer.static().axes[0].images[0].get_array().shape[:2]
    assert height < width / 5  # one row: there are no styles to tell apart


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("model", {"model": 3}),
        ("names", {"names": ["one"]}),
        ("shape", {"x": torch.rand(3, 7)}),
        ("labels", {"x": torch.rand(3, 784), "labels": torch.zeros(2).long()}),
    ],
)
def test_a_class_style_explorer_refuses(two_part_model, name, arguments):
    with pytest.raises(ValueError, match=f"^{name}"):
        ClassStyleExplorer(**{"model": two_part_model, **arguments})


# -------------------------------------------------------------------------------- painter


def test_points_lie_on_the_strokes():
    drawn = points([[-0.5, 0.0, 0.5, 0.0], [0.0, 0.8]], brush=0.1)
    assert drawn.shape == (6000, 2)
    on_line = (drawn[:, 1].abs() <= 0.05) & (drawn[:, 0].abs() <= 0.55)
    on_dot = (drawn - torch.tensor([0.0, 0.8])).norm(dim=1) <= 0.05 + 1e-6
    assert bool((on_line | on_dot).all()) and on_dot.any()
    assert drawn[on_line][:, 0].std().item() == pytest.approx(1 / math.sqrt(12), abs=0.02)
    with pytest.raises(ValueError, match=r"^strokes"):
        points([], 0.1)


def test_training_flows_back_into_the_drawing():
    inputs = {}

    def train(drawn, show):
        inputs["points"] = drawn
        inputs["denormal"] = (torch.tensor([1e-40]) * 1.0 == 0).item()
        show(drawn[:50], 0.5)
        return "the model"

    painter = PriorPainter(train, torch.arange(50) % 10, strokes=[[-0.4, 0.1, 0.9, 0.1]])
    painter.start()
    painter.wait(20)
    assert painter.result == "the model" and not painter.running and "done in" in painter.status
    assert inputs["points"].mean(0).abs().max() < 1e-4
    assert inputs["points"].square().mean().item() == pytest.approx(1, abs=1e-3)
    z = torch.frombuffer(bytearray(painter.codes), dtype=torch.float16).view(50, 2).float()
    torch.testing.assert_close(z, points(painter.strokes, painter.brush)[:50], atol=1e-2, rtol=0)
    assert painter.progress == 0.5


def test_training_can_be_stopped():
    shown, go = threading.Event(), threading.Event()

    def train(drawn, show):
        for step in range(1000):
            show(drawn[:5], step / 1000)
            shown.set()
            go.wait(20)

    painter = PriorPainter(train, strokes=[[0.0, 0.0, 0.5, 0.5]])
    answers(painter, {"kind": "train"})
    shown.wait(20)
    with pytest.raises(ValueError, match=r"^start"):
        painter.start()
    answers(painter, {"kind": "stop"})
    go.set()
    painter.wait(20)
    assert "stopped" in painter.status and painter.progress < 0.01 and painter.result is None
    assert issubclass(Stopped, Exception)


def test_a_training_that_fails_says_why():
    painter = PriorPainter(lambda drawn, show: 1 / 0, strokes=[[0.0, 0.0, 0.5, 0.5]])
    painter.start()
    painter.wait(20)
    assert painter.status == "training failed: division by zero" and not painter.running
    wrong = PriorPainter(lambda d, show: show(torch.rand(3, 2), 0.1), torch.zeros(4).long())
    answers(wrong, {"kind": "train"})
    assert wrong.status.startswith("strokes")  # nothing is drawn
    wrong.strokes = [[0.0, 0.0]]
    wrong.start()
    wrong.wait(20)
    assert "expected 4 codes" in wrong.status


def test_a_painter_refuses():
    with pytest.raises(ValueError, match=r"^train"):
        PriorPainter("train")
    with pytest.raises(ValueError, match=r"^brush"):
        PriorPainter(print, brush=0.0)
    for stroke in ([0.5], [0.0, 0.0, 0.1], [2.0, 0.0]):
        with pytest.raises(ValueError, match=r"^strokes: got .*, expected lists"):
            PriorPainter(print, strokes=[stroke])
        with pytest.raises(TraitError, match=r"^strokes: got .*, expected lists"):
            PriorPainter(print).strokes = [stroke]


@needs_node
def test_the_painters_table_is_the_record():
    stored = json.loads(drawn_shapes.RECORD.read_text("utf-8"))["shapes"]
    expected = PriorPainter().expected
    assert expected["rows"].keys() == stored.keys() and expected["seeds"] >= 3
    mean = sum(stored["ring"]["test_off_ink_percent"]) / expected["seeds"]
    assert expected["rows"]["ring"][0].startswith(f"{mean:.1f} ± ")


def test_the_browser_unpacks_the_digits_that_travel(tmp_path):
    chosen = data.mnist("train", "cpu").subset(slice(0, 3))
    (tmp_path / "digits").write_bytes(packing.nibbles(chosen.x))
    script = f"""
import {{ readFileSync }} from "node:fs";
{bundle.script("painting")}
const pixels = await unpackDigits(readFileSync("{tmp_path / "digits"}"));
console.log(JSON.stringify([...pixels]));
"""
    mine = torch.tensor(node(script)).view(3, 784)
    assert (mine - chosen.x).abs().max() < 0.5 / 15 + 1e-6


def test_a_page_with_nan_in_a_state_is_still_json():
    record = {"model_module": "anywidget", "model_name": "AnyModel", "buffers": []}
    state = {"_esm": "", "numbers": [1.0, math.nan, {"deep": -math.inf}]}
    text = static.scripts({"a": {**record, "state": state}}, ["a"])
    data = text.split(">", 1)[1].split("</script>", 1)[0]
    models = json.loads(data, parse_constant=pytest.fail)["models"]
    assert models["a"]["state"]["numbers"] == [1.0, None, {"deep": None}]


# ----------------------------------------------------------------------------------- game


def test_the_game_has_five_questions_with_folded_answers():
    assert questions().count("<details>") == 5
    some = questions(3, 1)
    assert some.count("<details>") == 2 and "what do these values mean" in some.split("**2.**")[0]
    with pytest.raises(ValueError, match="chosen"):
        questions(6)


def test_the_painter_has_three_questions_and_their_numbers_are_its_own():
    text = folded(PAINTER)
    assert text.count("<details>") == text.count("</details>") == 3
    assert f"{POINTS:,} points" in text and f"{digits_of_a_page.TRAINING:,} training" in text
    options = (bundle.FOLDER / "painting.js").read_text("utf-8").split("OPTIONS = {")[1]
    assert "weight: 30," in options and "λ = 30" in text
    assert "batch: 64," in options and "64 of them next to 64 codes" in text
    lesson = json.loads((ROOT / "notebooks/02_adversarial.ipynb").read_text("utf-8"))
    outputs = (output for cell in lesson["cells"] for output in cell.get("outputs", []))
    shown = "".join("".join(o.get("data", {}).get("text/markdown", "")) for o in outputs)
    assert all(question in shown and answer in shown for question, answer in PAINTER)


def test_the_game_refuses_an_unknown_build():
    with pytest.raises(ValueError, match=r"^builds"):
        AdversarialGameExplorer(("torch",))


def test_a_page_of_the_painter_is_small():
    text = static.page(PriorPainter(), title="Draw <a> prior")
    assert len(text.encode()) <= 400_000 and "Draw &lt;a&gt; prior" in text


# ---------------------------------------------------------------------------------- costs


def cost_run(level):
    sheet = torch.full((20, 784), level)
    metrics = {"frechet_distance": 100 * level, "sharpness": level}
    return {"reconstructions": sheet, "samples": sheet / 2, "metrics": metrics}


def test_a_grid_of_costs_and_discrepancies():
    runs = {("squared", "mmd"): cost_run(0.2), ("absolute", "sliced"): cost_run(0.8)}
    explorer = CostDiscrepancyExplorer(torch.zeros(20, 784), runs)
    assert explorer.costs == ["squared", "absolute"]
    assert (explorer.cost, explorer.discrepancy) == ("squared", "mmd")
    assert (
        explorer.runs[1]["headline"] == "80" and "Fréchet distance 80" in explorer.runs[1]["words"]
    )
    sheet = torch.frombuffer(bytearray(zlib.decompress(explorer.pictures)), dtype=torch.uint8)
    assert sheet.view(5, 14, 784)[:, 0, 0].tolist() == [0, 51, 26, 204, 102]
    explorer.cost, explorer.discrepancy = "absolute", "sliced"
    with pytest.raises(TraitError, match=r"^cost: got 'cubed', expected one of squared, absolute"):
        explorer.cost = "cubed"


@pytest.mark.parametrize(
    ("name", "x", "runs"),
    [
        ("runs", torch.zeros(14, 784), {}),
        ("runs", torch.zeros(14, 784), {"squared": cost_run(0.1)}),
        ("runs", torch.zeros(14, 784), {("a", "b"): {"samples": torch.zeros(14, 784)}}),
        ("headline", torch.zeros(14, 784), {("a", "b"): {**cost_run(0.1), "metrics": {}}}),
        ("x", torch.zeros(13, 784), {("a", "b"): cost_run(0.1)}),
        ("samples", torch.zeros(14, 784), {("a", "b"): {**cost_run(0.1), "samples": 3}}),
    ],
)
def test_a_grid_refuses(name, x, runs):
    with pytest.raises(ValueError, match=f"^{name}"):
        CostDiscrepancyExplorer(x, runs)


# ------------------------------------------------------------- images of other sizes, in colour

SETS = {
    "8 by 8, grey": lambda: data.ImageSet.of(load_digits().images / 16, load_digits().target),
    "32 by 32, RGB": lambda: data.ImageSet.of(torch.rand(40, 32, 32, 3), torch.arange(40) % 26),
    "28 by 28, grey": lambda: data.mnist("test", "cpu"),
    "9 by 16, RGB, unlabelled": lambda: data.ImageSet.of(torch.rand(40, 3, 9, 16)),
}


@pytest.fixture(params=SETS)
def own(request):
    """Twenty images of a reader's own, and untrained models of them: of z, and of y and z."""
    images = SETS[request.param]().subset(slice(0, 20))
    pixels = {"pixels": images.pixels, "hidden": (8,)}
    config = semi_supervised.Config(**pixels, dim=3)
    plain = adversarial.AAE(priors.Gaussian(2), adversarial.JointConfig(**pixels))
    return images, plain, semi_supervised.SemiSupervisedAAE(config)


def pixels_of(packed, images):
    """Levels 0 … 255 that the browser gets, (n, C·H·W)."""
    levels = torch.frombuffer(bytearray(zlib.decompress(packed)), dtype=torch.uint8)
    return levels.view(-1, images.pixels)


def test_a_plane_of_ones_own_images(own):
    images, model, _ = own
    explorer = LatentExplorer(model, images)
    assert explorer.image_shape == list(images.shape) and explorer.in_browser
    assert torch.equal(pixels_of(explorer.images, images), images.images.flatten(1))
    expected = bytes(images.labels.tolist()) if (images.labels >= 0).any() else b""
    assert explorer.labels == expected and len(explorer.picture) == images.pixels
    assert explorer.static().axes
    bare = LatentExplorer(model, shape=images.shape)
    sheet = bare.static().axes[0].images[0].get_array().shape
    assert sheet[:2] == (12 * images.shape[1], 12 * images.shape[2])
    assert sheet[2:] == ((3,) if images.shape[0] == 3 else ())


def test_the_kernel_decodes_ones_own_images(own):
    images, model, _ = own
    explorer = latent_explorer(lambda z: 1 - model.decode(z), shape=images.shape)
    question = {"kind": "decode", "from": "a", "number": 1, "codes": [[0.0, 0.0], [1.0, 0.0]]}
    [(_, buffers)] = answers(explorer, question)
    assert not explorer.in_browser and len(buffers[0]) == 2 * images.pixels


def test_the_other_explorers_of_ones_own_images(own):
    images, model, classes = own
    shape = list(images.shape)
    style = ClassStyleExplorer(classes, images)
    between = InterpolationExplorer(model, images)
    shots = [{"samples": images.x[:4], "z": torch.randn(20, 2)} for _ in range(2)]
    scrubber = TrainingScrubber(history(shots), images.labels, shape=images.shape)
    sheets = {"reconstructions": images.x, "samples": images.x, "metrics": {"mse": 0.1}}
    costs = CostDiscrepancyExplorer(images, {("a", "b"): sheets}, headline="mse")
    for explorer in (style, between, scrubber, costs):
        assert explorer.image_shape == shape and explorer.static().axes
    assert torch.equal(pixels_of(between.images, images), images.images.flatten(1))
    assert torch.equal(pixels_of(scrubber.samples, images)[:4], images.images[:4].flatten(1))
    assert (between.names[0] == "") == bool((images.labels < 0).all())
    assert style.x_hat.shape == (1, images.pixels)


def test_images_that_are_not_square_need_a_shape():
    model = adversarial.AAE(priors.Gaussian(2), adversarial.Config(pixels=60, hidden=(8,)))
    with pytest.raises(ValueError, match=r"^shape: got None, for images of 60 .*not square"):
        LatentExplorer(model)
    with pytest.raises(ValueError, match=r"^shape: got \(5, 11\), expected .* of 60 numbers"):
        LatentExplorer(model, shape=(5, 11))
    assert LatentExplorer(model, shape=(5, 12)).image_shape == [1, 5, 12]


def test_some_labels_may_be_missing(model, digits):
    labels = torch.where(torch.arange(500) % 2 == 0, digits.labels, -1)
    assert list(LatentExplorer(model, digits.x, labels).labels[:2]) == [int(labels[0]), 255]
    assert LatentExplorer(model, digits.x).labels == b""


# ------------------------------------------------------------------- figures, static pages


@pytest.fixture(scope="module")
def one_of_each(model, two_part_model):
    few = data.mnist("test", "cpu").subset(slice(0, 12))
    return {
        "latent": LatentExplorer(model, few.x, few.labels),
        "interpolation": InterpolationExplorer(model, few.x, few.labels),
        "scrubber": TrainingScrubber(history([torch.randn(9, 2) for _ in range(3)])),
        "class_style": ClassStyleExplorer(two_part_model, few.x, few.labels),
        "painter": PriorPainter(lambda drawn, show: None, strokes=[[-0.5, 0.0, 0.5, 0.0]]),
        "costs": CostDiscrepancyExplorer(torch.zeros(14, 784), {("a", "b"): cost_run(0.3)}),
        "game": AdversarialGameExplorer(),
    }


@pytest.mark.parametrize("name", WIDGETS)
def test_each_has_a_figure_a_title_and_a_caption(one_of_each, name):
    explorer = one_of_each[name]
    shown, _ = explorer._repr_mimebundle_()
    assert shown["text/plain"] == explorer.title
    assert shown["image/png"].startswith("iVBORw0KGgo")  # base64 of a PNG
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert len(explorer.caption.split()) > 10
    assert explorer.static().axes


def test_figures_where_there_is_little_to_show(model):
    assert LatentExplorer(model).static().axes
    assert PriorPainter(print).static().axes
    assert TrainingScrubber(history([{"error": 1.0}, {"error": 0.5}])).static().axes


def states(*widgets):
    from ipywidgets.embed import embed_data

    return embed_data(views=widgets, drop_defaults=False)["manager_state"]["state"]


def test_a_page_holds_what_is_shown_and_no_more(one_of_each):
    from ipywidgets import VBox, jslink

    one, other = one_of_each["latent"], LatentExplorer(lambda z: torch.zeros(len(z), 784))
    joined = jslink((one, "z"), (other, "z"))
    box = VBox([one, other])
    stored = states(box, joined, one_of_each["costs"])
    result = static.explorers(stored, box.model_id)
    assert result == [one.model_id, other.model_id]
    text = static.scripts(stored, result)
    page = json.loads(text.split('id="aae-widgets">')[1].split("</script>")[0])
    assert set(page["models"]) == set(result)
    assert len(page["scripts"]) == 1 and len(page["styles"]) == 1  # each once
    ends = {"source": [one.model_id, "z"], "target": [other.model_id, "z"], "both": True}
    assert page["links"] == [ends]
    assert "src=" not in text and text.count("<script") == 2
    with pytest.raises(ValueError, match=r"^model_id"):
        static.explorers(stored, "nobody")


def test_text_in_a_state_cant_end_the_script(model):
    explorer = LatentExplorer(model, caption="</script><script>alert(1)")
    text = static.scripts(states(explorer), [explorer.model_id])
    assert text.count("</script>") == 2


# ---------------------------------------------------------------------------------- menus


@pytest.mark.parametrize("slider", [False, True])
def test_choosing_from_a_menu_shows_that_figure(slider):
    drawn = []

    def draw(a, b):
        drawn.append((a, b))
        return plots.images(torch.full((1, 784), 1.0 if a == "black" else 0.0))

    menus = [("ink", ["black", "white"]), ("other", ["x", "y"])]
    box = figure_menus(menus, draw, caption="look", slider=slider)
    assert drawn == [("black", "x")]
    first = box.picture.value
    assert first[:4] == PNG
    box.menus[0].value = "white"
    assert box.picture.value != first
    box.menus[0].value = "black"
    assert box.picture.value == first
    assert drawn == [("black", "x"), ("white", "x")]  # each combination is drawn once
    box.menus[1].value = "y"
    assert drawn[-1] == ("black", "y")
    assert box.children[-1].value == "look"


def test_empty_menus_are_refused():
    for menus in ([], [("a", [])]):
        with pytest.raises(ValueError, match=r"^menus"):
            figure_menus(menus, lambda *chosen: None)
