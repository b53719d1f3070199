"""The loop: history, schedules, snapshots, checkpoints, and runs that are killed and continued."""

import functools
import json
import math
import os
import subprocess
import sys
import textwrap

import pytest
import torch
from torch import nn

from aae_lessons import data
from aae_lessons.data import Minibatches
from aae_lessons.files import save_atomically, write_atomically
from aae_lessons.models import adversarial, autoencoder
from aae_lessons.models.discrepancies import MMD
from aae_lessons.objectives import rbf
from aae_lessons.priors import GaussianMixture, Painted
from aae_lessons.training import (
    CapturedStep,
    NonFiniteLoss,
    constant,
    constant_then_linear,
    fit,
)


class Toy:
    """A line fitted to noise drawn within the step, so that the random state matters."""

    def __init__(self, batches_an_epoch=10, sizes=(3, 2), momentum=0.9):
        torch.manual_seed(0)
        self.model = nn.Linear(*sizes)
        self.optimizers = {"fit": torch.optim.SGD(self.model.parameters(), 0.1, momentum)}
        self.batches = Numbers(batches_an_epoch)
        self.rates, self.seen = [], []

    def step(self, model, optimizers, batch):
        self.rates.append(float(optimizers["fit"].param_groups[0]["lr"]))
        self.seen.append(batch.item())
        x = torch.randn(4, model.in_features)
        loss = (model(x) - batch / 100).square().mean()
        optimizers["fit"].zero_grad()
        loss.backward()
        optimizers["fit"].step()
        return {"fit": loss.detach(), "number": batch.clone()}

    def fit(self, epochs=3, **options):
        options.setdefault("progress", False)
        options.setdefault("optimizers", self.optimizers)
        return fit(self.step, self.model, self.batches, epochs, **options)

    def weights(self):
        return [p.detach().clone() for p in self.model.parameters()]


class Numbers:
    """Batch i of epoch e is the number 100·e + i."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def epoch(self, number, start=0):
        for i in range(start, self.length):
            yield torch.tensor(100.0 * number + i)


def same(a, b):
    return len(a) == len(b) and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


# ------------------------------------------------------------------- history and schedule


def test_every_batch_of_every_epoch_comes_once():
    toy = Toy(4)
    toy.fit(epochs=2)
    assert toy.seen == [0, 1, 2, 3, 100, 101, 102, 103]


def test_history_has_means_since_the_point_before():
    toy = Toy(10)
    history = toy.fit(epochs=1, log_every=4)
    assert history.steps == [4, 8, 10]
    assert history.losses["number"] == [1.5, 5.5, 8.5]
    assert [len(points) for points in history.losses.values()] == [3, 3]
    assert all(type(v) is float for points in history.losses.values() for v in points)


def test_constant_then_linear():
    assert [constant(s) for s in (0.0, 0.5, 1.0)] == [1, 1, 1]
    result = [constant_then_linear(s) for s in (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)]
    assert result == pytest.approx([1, 1, 1, 0.5, 0.2, 0])


def test_rates_follow_the_schedule():
    toy = Toy(4)
    toy.fit(epochs=2, schedule=lambda done: 1 - done)
    assert toy.rates == pytest.approx([0.1 * (1 - i / 8) for i in range(8)])
    toy.rates.clear()
    toy.fit(epochs=1)  # another run starts from the full rate again
    assert toy.rates == pytest.approx([0.1] * 4)


def test_what_else_changes_is_adjusted_before_every_update():
    toy, calls = Toy(4), []
    toy.fit(epochs=2, on_step=lambda model, done: calls.append((len(toy.seen), model, done)))
    assert calls == [(i, toy.model, i / 8) for i in range(8)]


def test_precision_of_products_holds_within_the_run_and_no_longer():
    before = torch.get_float32_matmul_precision()
    toy, seen = Toy(), []
    plain = toy.step
    toy.step = lambda *a: seen.append(torch.get_float32_matmul_precision()) or plain(*a)
    toy.fit(epochs=1, precision="medium")
    assert set(seen) == {"medium"} and torch.get_float32_matmul_precision() == before
    toy.step = lambda *a: 1 / 0
    with pytest.raises(ZeroDivisionError):
        toy.fit(epochs=1, precision="medium")
    assert torch.get_float32_matmul_precision() == before
    with pytest.raises(ValueError, match=r"^precision: got 'low', expected one of highest"):
        Toy().fit(epochs=1, precision="low")


def test_rates_that_are_tensors_follow_the_schedule():
    toy = Toy(4)
    rate = torch.tensor(0.1)
    toy.optimizers["fit"].param_groups[0]["lr"] = rate
    toy.fit(epochs=1, schedule=lambda done: 1 - done)
    assert toy.rates == pytest.approx([0.1, 0.075, 0.05, 0.025])
    assert toy.optimizers["fit"].param_groups[0]["lr"] is rate


def test_the_progress_bar_shows_and_hides(capfd):
    Toy(4).fit(epochs=1, progress=False)
    assert capfd.readouterr().err == ""
    Toy(4).fit(epochs=1, progress=True)
    assert "/4" in capfd.readouterr().err


# ------------------------------------------------------------ optimizers and configurations


def test_a_model_makes_its_own_optimizers(digits):
    def trained(**options):
        torch.manual_seed(0)
        model = autoencoder.Autoencoder(autoencoder.Config(hidden=(8,)))
        if options:
            options["optimizers"] = autoencoder.optimizers(model)
        fit(autoencoder.train_step, model, Minibatches(digits, 50), 1, progress=False, **options)
        return list(model.parameters())

    assert same(trained(), trained(optimizers=True))
    with pytest.raises(ValueError, match=r"^optimizers: got None, expected a dict by phase"):
        Toy().fit(optimizers=None)


@pytest.mark.parametrize("optimizers", [[], {}, {"fit": None}, "Adam"])
def test_what_is_no_dict_of_optimizers_is_refused(optimizers):
    toy = Toy()
    with pytest.raises(ValueError, match=r"^optimizers: got .*a dict of optimizers by phase"):
        toy.fit(optimizers=optimizers)
    assert toy.seen == []


AAE_CONFIGS = {
    adversarial.train_step: adversarial.Config,
    adversarial.joint_step: adversarial.JointConfig,
}


@pytest.mark.parametrize("step", AAE_CONFIGS)
def test_a_step_refuses_the_configuration_of_the_other_algorithm(step, digits):
    (other,) = set(AAE_CONFIGS.values()) - {AAE_CONFIGS[step]}
    model = adversarial.AAE(GaussianMixture(), other((8,), (8,)))
    expected = f"expected a model of adversarial.{AAE_CONFIGS[step].__name__}, which"
    with pytest.raises(ValueError, match=f"^model: got {other.__name__}.*{expected}"):
        fit(step, model, Minibatches(digits, 50), 1, progress=False)


def test_a_step_refuses_the_optimizers_of_the_other_algorithm(digits):
    model = adversarial.AAE(GaussianMixture(), adversarial.Config((8,), (8,)))
    joint = adversarial.AAE(GaussianMixture(), adversarial.JointConfig((8,), (8,)))
    with pytest.raises(ValueError, match=r"^optimizers: got \['autoencoder', .*'generator'"):
        fit(adversarial.train_step, model, Minibatches(digits, 50), 1,
            optimizers=joint.optimizers(), progress=False)  # fmt: skip


# ------------------------------------------------------------------------------ snapshots


def test_snapshots_are_taken_before_and_after_every_epoch():
    toy = Toy(5)
    history = toy.fit(epochs=3, snapshot=lambda model: (len(toy.seen), model.weight.sum().item()))
    assert [count for count, _ in history.snapshots] == [0, 5, 10, 15]
    assert history.snapshots[-1][1] == pytest.approx(toy.model.weight.sum().item())


def test_looking_does_not_change_the_run():
    quiet = Toy()
    quiet.fit()
    watched = Toy()
    watched.fit(snapshot=lambda model: torch.randn(100), log_every=1)
    assert same(quiet.weights(), watched.weights())


# ---------------------------------------------------------------------------- checkpoints


@pytest.mark.parametrize("at", [0, 1, 6, 7, 8, 10, 19, 29])
@pytest.mark.parametrize("log_every", [4, 50])
def test_an_interrupted_run_ends_as_if_nothing_had_been(tmp_path, at, log_every):
    options = {
        "checkpoint_every": 7,
        "log_every": log_every,
        "schedule": constant_then_linear,
        "snapshot": lambda model: model.weight.detach().clone(),
    }
    unbroken = Toy()
    expected = unbroken.fit(**options)

    def interrupted(model, optimizers, batch, step):
        if len(toy.seen) == at:
            raise KeyboardInterrupt
        return step(model, optimizers, batch)

    toy, path = Toy(), tmp_path / "run.pt"
    whole_step = toy.step
    toy.step = functools.wraps(whole_step)(lambda *inputs: interrupted(*inputs, whole_step))
    with pytest.raises(KeyboardInterrupt):
        toy.fit(checkpoint=path, **options)
    toy = Toy()
    if path.exists():
        torch.manual_seed(12345)  # whatever it needs must come from the checkpoint
    result = toy.fit(checkpoint=path, **options)
    assert len(toy.seen) == 30 - at // 7 * 7
    assert same(unbroken.weights(), toy.weights())
    assert (result.steps, result.losses) == (expected.steps, expected.losses)
    assert same(result.snapshots, expected.snapshots)


def test_checkpoints_do_not_change_the_run(tmp_path):
    plain = Toy()
    plain.fit()
    saved = Toy()
    saved.fit(checkpoint=tmp_path / "run.pt", checkpoint_every=1)
    assert same(plain.weights(), saved.weights())


def test_a_finished_run_is_loaded_and_not_run_again(tmp_path):
    first, second = Toy(), Toy()
    expected = first.fit(checkpoint=tmp_path / "deep" / "run.pt")
    result = second.fit(checkpoint=tmp_path / "deep" / "run.pt")
    assert second.seen == [] and result == expected
    assert same(first.weights(), second.weights())


def refuse(path, toy, **options):
    """Fit refuses the file, names it or what does not fit, and changes neither file nor model."""
    before, content = toy.weights(), path.read_bytes()
    with pytest.raises(ValueError, match="checkpoint"):
        toy.fit(checkpoint=path, **options)
    assert toy.seen == [] and same(before, toy.weights()) and path.read_bytes() == content


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    Toy().fit(checkpoint=path)
    refuse(path, Toy(), epochs=4)
    refuse(path, Toy(sizes=(3, 5)))
    other = Toy()
    other.optimizers = {"descent": other.optimizers["fit"]}
    refuse(path, other)
    more = Toy()
    more.model.add_module("extra", nn.Linear(2, 2))
    refuse(path, more)
    part = Toy()
    part.optimizers = {"fit": torch.optim.SGD([part.model.weight], 0.1, 0.9)}
    refuse(path, part)


@pytest.mark.parametrize(
    ("part", "before", "other"),
    [
        ("prior", Painted(torch.eye(2)), Painted(torch.tensor([[0.0, 0.0], [1.0, 3.0]]))),
        ("discrepancy", MMD(rbf(1.0)), MMD(rbf(2.0))),
        ("cost", rbf(1.0), rbf(2.0)),
    ],
)
def test_a_checkpoint_of_another_prior_or_kernel_is_refused(tmp_path, part, before, other):
    path = tmp_path / "run.pt"
    toys = Toy(), Toy(), Toy()
    for toy, value in zip(toys, (before, before, other), strict=True):
        setattr(toy.model, part, value)
    toys[0].fit(checkpoint=path)
    toys[1].fit(checkpoint=path)
    refuse(path, toys[2])


@pytest.mark.parametrize(
    "damage",
    [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"not a checkpoint", lambda b: b[100:]],
    ids=["cut short", "empty", "text", "beginning lost"],
)
def test_a_damaged_checkpoint_is_refused(tmp_path, damage):
    path = tmp_path / "run.pt"
    Toy().fit(checkpoint=path)
    path.write_bytes(damage(path.read_bytes()))
    refuse(path, Toy())


@pytest.mark.parametrize("content", [torch.zeros(3), {"weights": torch.zeros(3)}, [1, 2]])
def test_a_file_of_torch_that_is_no_checkpoint_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "run.pt")
    refuse(tmp_path / "run.pt", Toy())


@pytest.mark.parametrize("fail", ["while writing", "while moving"])
def test_a_failed_write_leaves_the_old_file_whole(tmp_path, monkeypatch, fail):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write(stream):
        stream.write(b"half of the n")
        if fail == "while writing":
            raise OSError("disk full")

    def replace(source, target):
        raise OSError("disk full")

    if fail == "while moving":
        monkeypatch.setattr("os.replace", replace)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, write)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_write_replaces_the_file_and_makes_its_folder(tmp_path):
    path = tmp_path / "new" / "file.pt"
    for value in (1.0, 2.0):
        save_atomically({"value": torch.tensor(value)}, path)
        assert torch.load(path, weights_only=True)["value"] == value
    assert [p.name for p in path.parent.iterdir()] == ["file.pt"]


# ------------------------------------------------------------------------ non-finite losses


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("checkpoint_every", [1, 5, 7, 8])
def test_a_loss_that_is_not_finite_is_named_and_never_saved(tmp_path, value, checkpoint_every):
    toy, path = Toy(), tmp_path / "run.pt"
    good = toy.step

    def step(model, optimizers, batch):
        losses = good(model, optimizers, batch)
        spoilt = batch + (value if len(toy.seen) == 7 else 0)  # the seventh update
        return {**losses, "spoilt phase": spoilt}

    toy.step = step
    with pytest.raises(NonFiniteLoss, match="the spoilt phase loss"):
        toy.fit(checkpoint=path, checkpoint_every=checkpoint_every, log_every=20)
    expected = 6 // checkpoint_every * checkpoint_every
    assert (torch.load(path)["done"] if path.exists() else 0) == expected


def test_a_loss_that_is_not_finite_is_noticed_without_a_checkpoint():
    toy = Toy()
    toy.step = lambda *inputs: {"only": torch.tensor(math.nan)}
    with pytest.raises(NonFiniteLoss, match="only loss became nan in updates 1 to 4"):
        toy.fit(log_every=4)


# --------------------------------------------------------------------------------- killed

KILLED_RUN = textwrap.dedent(
    '''
    """Kills a run again and again. Imports once and forks: each child is a fresh process."""
    import json, os, random, signal, sys, time
    import torch
    torch.set_num_threads(1)
    from aae_lessons import data
    from aae_lessons.data import Minibatches
    from aae_lessons.models import adversarial
    from aae_lessons.priors import GaussianMixture
    from aae_lessons.training import constant_then_linear, fit

    FOLDER, KILLS = sys.argv[1], int(sys.argv[2])
    IMAGES = data.mnist("test", "cpu").subset(slice(0, 400))

    def train(path, report):
        fresh = not os.path.exists(path)
        torch.manual_seed(0)
        config = adversarial.Config(
            (32,), (32,), gaussian_posterior=True, label_classes=10, noise=0.3
        )
        model = adversarial.AAE(GaussianMixture(), config)
        if not fresh:  # whatever the run needs must come from the checkpoint
            torch.manual_seed(os.getpid())
            with torch.no_grad():
                [p.normal_() for p in model.parameters()]

        def step(*inputs):
            losses = adversarial.train_step(*inputs)
            os.write(report, b".")
            return losses

        history = fit(
            step, model, Minibatches(IMAGES, 20), 30,
            schedule=constant_then_linear, on_step=adversarial.anneal_noise,
            checkpoint=path, checkpoint_every=10, log_every=15,
            snapshot=lambda m: m.encode(IMAGES.x[:5]).detach(), progress=False,
        )
        torch.save({"weights": model.state_dict(), "history": vars(history)}, path + ".end")

    def start(path):
        listen, report = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.close(listen)
                train(path, report)
                code = 0
            finally:
                os._exit(code)
        os.close(report)
        return child, listen

    def finish(child, listen):
        """Waits for the child's end; the number of updates it reported, and how it ended."""
        steps = 0
        while some := os.read(listen, 4096):
            steps += len(some)
        os.close(listen)
        return steps, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    warm = torch.nn.Parameter(torch.zeros(1))  # torch imports a lot at the first optimizer
    warm.grad = torch.zeros(1)
    torch.optim.Adam([warm], fused=True).step()
    steps, code = finish(*start(FOLDER + "/unbroken"))
    assert (steps, code) == (600, 0), (steps, code)

    rng, killed = random.Random(int(sys.argv[3])), []
    for _ in range(KILLS):
        child, listen = start(FOLDER + "/killed")
        wanted, seen = rng.randint(1, 45), 0
        while seen < wanted and os.read(listen, 1):
            seen += 1
        time.sleep(rng.uniform(0, 0.01))  # to anywhere within an update or a checkpoint
        alive = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        os.kill(child, signal.SIGKILL)
        steps, code = finish(child, listen)
        killed.append((seen + steps, code if alive else 0))
    steps, code = finish(*start(FOLDER + "/killed"))
    print(json.dumps({"killed": killed, "last": [steps, code]}))
    '''
)


@pytest.mark.skipif(sys.platform == "win32", reason="needs os.fork and SIGKILL")
def test_a_run_killed_again_and_again_ends_with_the_same_weights_to_the_last_bit(tmp_path):
    """Twenty times; ``AAE_KILLS=100`` for a hundred, over several runs."""
    kills = int(os.environ.get("AAE_KILLS", "20"))
    for number in range(-(-kills // 20)):
        folder = tmp_path / str(number)
        folder.mkdir()
        killed_run(folder, number)


def killed_run(tmp_path, seed):
    command = [sys.executable, "-c", KILLED_RUN, str(tmp_path), "20", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    alive = [steps for steps, code in result["killed"] if code == -9]
    assert len(alive) >= 15, f"too few were alive when killed: {result}"
    assert sum(steps >= 10 for steps in alive) >= 5, f"too few got anywhere: {result}"
    steps, code = result["last"]
    assert code == 0 and steps < 600
    expected = torch.load(tmp_path / "unbroken.end", weights_only=True)
    ended = torch.load(tmp_path / "killed.end", weights_only=True)
    for name, value in expected["weights"].items():
        assert torch.equal(value, ended["weights"][name]), name
    for key in ("steps", "losses"):
        assert expected["history"][key] == ended["history"][key]
    assert same(expected["history"]["snapshots"], ended["history"]["snapshots"])
    orphans = [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert not orphans


def test_what_a_killed_writer_left_is_swept_by_the_next_one(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / f".run.pt.{dead.pid}.abc"
    alive, other = tmp_path / f".run.pt.{os.getppid()}.abc", tmp_path / ".other.pt.1.abc"
    ours = tmp_path / f".run.pt.{os.getpid()}.abc"  # a restarted container has the old numbers
    for path in (left, ours, alive, other):
        path.write_bytes(b"half")

    def write_twice(stream):  # what is being written stays
        save_atomically({"a": 1}, tmp_path / "run.pt")
        stream.write(b"whole")

    write_atomically(tmp_path / "run.pt", write_twice)
    assert (tmp_path / "run.pt").read_bytes() == b"whole"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [alive.name, other.name, "run.pt"]
    )


# ---------------------------------------------------------------------------- CUDA graphs


def test_capture_is_refused_on_the_cpu():
    toy = Toy()
    with pytest.raises(ValueError, match="cuda_graph: got True"):
        toy.fit(cuda_graph=True)
    assert toy.seen == []


def train_on_cuda(cuda, cuda_graph, **options):
    torch.manual_seed(0)
    images = data.mnist("test", cuda).subset(slice(0, 500))
    config = autoencoder.Config(hidden=(32,))
    model = autoencoder.Autoencoder(config).to(cuda)
    history = fit(
        autoencoder.train_step,
        model,
        Minibatches(images, 50),
        6,
        schedule=constant_then_linear,
        log_every=7,
        progress=False,
        cuda_graph=cuda_graph,
        **options,
    )
    return model.state_dict(), history


def test_a_captured_step_is_the_eager_one(cuda):
    eager, expected = train_on_cuda(cuda, False)
    captured, result = train_on_cuda(cuda, True)
    torch.testing.assert_close(captured, eager, rtol=1e-3, atol=1e-4)
    assert result.steps == expected.steps
    losses = result.losses["reconstruction"]
    assert losses == pytest.approx(expected.losses["reconstruction"], rel=1e-3)
    assert losses[-1] < losses[0]


def test_a_captured_run_is_continued_from_its_checkpoint(cuda, tmp_path):
    eager, _ = train_on_cuda(cuda, False)

    class Stop(Exception):
        pass

    def stop(model, seen=[]):  # noqa: B006
        seen.append(1)
        if len(seen) == 4:
            raise Stop

    options = {"checkpoint": tmp_path / "run.pt", "checkpoint_every": 8}
    with pytest.raises(Stop):
        train_on_cuda(cuda, True, snapshot=stop, **options)
    continued, _ = train_on_cuda(cuda, True, **options)
    torch.testing.assert_close(continued, eager, rtol=1e-3, atol=1e-4)


def test_the_adversarial_step_can_be_captured(cuda):
    images = data.mnist("test", cuda).subset(slice(0, 500))
    config = adversarial.Config((32,), (32,), gaussian_posterior=True, label_classes=10)
    model = adversarial.AAE(GaussianMixture(), config).to(cuda)
    optimizers = model.optimizers()
    step = CapturedStep(adversarial.train_step, optimizers)
    batch = next(Minibatches(images, 50).epoch(0))
    losses = [
        {name: value.item() for name, value in step(model, optimizers, batch).items()}
        for _ in range(60)
    ]
    assert step.graph is not None
    assert all(math.isfinite(value) for point in losses for value in point.values())
    assert losses[-1]["reconstruction"] < losses[0]["reconstruction"]
    assert len({point["discriminator"] for point in losses[10:]}) > 40  # fresh draws each time
