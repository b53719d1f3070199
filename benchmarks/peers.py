"""Our training loop next to pythae's, a maintained library of autoencoders (Chadebec et al. 2022).

    uv run --isolated --with pythae python benchmarks/peers.py                 # both tables
    uv run --isolated --with pythae python benchmarks/peers.py times --again   # one, anew

AAE, VAE and WAE-MMD on MNIST: the same networks (784-256-256-2 and back, a discriminator
2-256-256-1, leaky ReLU), the same objective with the same weights, Adam with the same rate and
moments, batch 128, one thread of a CPU. What differs is everything else: pythae trains with its
own trainer, data set and data loader, unchanged; ours with ``training.fit``, once in single
precision and once in the precision that "fast" chooses on this machine. Both AAEs update encoder
and decoder together, as our ``joint_step`` does.

``times``: the sides take turns for an epoch each, five times over after one that isn't counted;
the medians are the times of a minibatch. ``quality``: the same for two of the sides, then each
trains for as many epochs as fit into a budget of CPU time, for every seed. Squared error per pixel
and the match of codes to the prior (sliced Wasserstein distance over its floor) are measured on
the test images by the same code. A VAE's codes are draws of q(z|x).

Results are kept in ``results/peers-times.json`` and ``results/peers-quality.json`` after every
run, so that a run that was stopped goes on, and each can come from a machine of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial

import torch
from results import Results, machine
from torch import Tensor, nn

from aae_lessons import data, metrics, training
from aae_lessons.models import adversarial, variational, wasserstein
from aae_lessons.networks import mlp
from aae_lessons.objectives import inverse_multiquadratics, squared_error
from aae_lessons.priors import Gaussian

BATCH, LR, DIM, HIDDEN, WEIGHT = 128, 5e-4, 2, (256, 256), 10.0
PIXELS = 784
BETAS = {"AAE": (0.5, 0.999), "VAE": (0.9, 0.999), "WAE-MMD": (0.5, 0.999)}
SIDES = ("ours", "ours, fast", "pythae")
QUALITY_SIDES = ("ours", "pythae")  # in single precision
ROUNDS = 5


class Ours:
    """A model of the course, trained by ``training.fit``."""

    def __init__(self, name: str, seed: int, images: data.ImageSet, precision: str) -> None:
        torch.manual_seed(seed)
        prior, beta1 = Gaussian(DIM), BETAS[name][0]
        shared = {"hidden": HIDDEN, "lr": LR, "beta1": beta1}
        if name == "AAE":
            config = adversarial.JointConfig(
                **shared, weight=WEIGHT, discriminator_hidden=HIDDEN, discriminator_lr=LR
            )
            self.model, self.step = adversarial.AAE(prior, config), adversarial.joint_step
        elif name == "VAE":
            config = variational.Config(**shared, cost=squared_error)
            self.model, self.step = variational.VAE(prior, config), variational.train_step
        else:
            config = wasserstein.Config(**shared, weight=WEIGHT)
            discrepancy = wasserstein.MMD(inverse_multiquadratics(DIM))
            self.model = wasserstein.WAE(prior, squared_error, discrepancy, config)
            self.step = wasserstein.train_step
        self.batches, self.precision = data.Minibatches(images, BATCH, seed), precision

    def train(self, epochs: int) -> None:
        training.fit(
            self.step, self.model, self.batches, epochs, precision=self.precision, progress=False
        )

    @torch.no_grad()
    def encode_and_rebuild(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z = self.model.encode(x)
        return z, self.model.decode(z)


def pythae_networks(name: str) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Encoder, decoder and discriminator as pythae's base classes, with our layers in them."""
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseDiscriminator, BaseEncoder

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.draws = name == "VAE"
            self.layers = mlp((PIXELS, *HIDDEN, 2 * DIM if self.draws else DIM))

        def forward(self, x: Tensor) -> ModelOutput:
            out = self.layers(x)
            mean, log_variance = out.chunk(2, 1) if self.draws else (out, torch.zeros_like(out))
            return ModelOutput(embedding=mean, log_covariance=log_variance)

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.layers = mlp((DIM, *HIDDEN, PIXELS))

        def forward(self, z: Tensor) -> ModelOutput:
            return ModelOutput(reconstruction=self.layers(z).sigmoid())

    class Discriminator(BaseDiscriminator):
        def __init__(self) -> None:
            super().__init__()
            self.layers = mlp((DIM, *HIDDEN, 1))

        def forward(self, z: Tensor) -> ModelOutput:
            return ModelOutput(embedding=self.layers(z).sigmoid())

    return Encoder(), Decoder(), Discriminator()


class Pythae:
    """pythae's model of the same kind, sizes and objective, trained by its own trainer."""

    def __init__(self, name: str, seed: int, images: data.ImageSet) -> None:
        from pythae import models

        torch.manual_seed(seed)
        encoder, decoder, discriminator = pythae_networks(name)
        shared = {"input_dim": (PIXELS,), "latent_dim": DIM}
        self.name, self.seed, self.images = name, seed, images.x
        if name == "AAE":  # its weight is at most 1, so that the cost is divided by λ instead
            config = models.Adversarial_AE_Config(
                **shared,
                adversarial_loss_scale=1.0,
                reconstruction_loss_scale=1 / WEIGHT,
                deterministic_posterior=True,
            )
            self.model = models.Adversarial_AE(config, encoder, decoder, discriminator)
        elif name == "VAE":
            config = models.VAEConfig(**shared, reconstruction_loss="mse")
            self.model = models.VAE(config, encoder, decoder)
        else:  # its squared error has no ½
            config = models.WAE_MMD_Config(
                **shared, reconstruction_loss_scale=0.5, reg_weight=WEIGHT
            )
            self.model = models.WAE_MMD(config, encoder, decoder)

    def train(self, epochs: int) -> None:
        from pythae import trainers
        from pythae.data.datasets import BaseDataset

        adam = {"betas": BETAS[self.name]}
        if self.name == "AAE":
            trainer, config = trainers.AdversarialTrainer, trainers.AdversarialTrainerConfig
            parts = ("autoencoder", "discriminator")
            settings = {f"{part}_learning_rate": LR for part in parts}
            settings |= {f"{part}_optimizer_params": adam for part in parts}
        else:
            trainer, config = trainers.BaseTrainer, trainers.BaseTrainerConfig
            settings = {"learning_rate": LR, "optimizer_params": adam}
        with tempfile.TemporaryDirectory() as folder:
            settings |= {"output_dir": folder, "num_epochs": epochs, "seed": self.seed}
            settings |= {"per_device_train_batch_size": BATCH, "no_cuda": True}
            images = BaseDataset(self.images, torch.zeros(len(self.images)))
            trainer(self.model, images, training_config=config(**settings)).train()

    @torch.no_grad()
    def encode_and_rebuild(self, x: Tensor) -> tuple[Tensor, Tensor]:
        out = self.model.encoder(x)
        z = out.embedding
        if self.name == "VAE":
            z = z + (0.5 * out.log_covariance).exp() * torch.randn_like(z)
        return z, self.model.decoder(z).reconstruction


def build(side: str, name: str, seed: int, images: data.ImageSet) -> Ours | Pythae:
    if side == "pythae":
        return Pythae(name, seed, images)
    return Ours(name, seed, images, "fast" if side == "ours, fast" else "highest")


def timed(train: Callable[[int], None], epochs: int) -> float:
    """CPU seconds of some epochs; what the loop prints is dropped."""
    logging.disable(logging.WARNING)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        started = time.thread_time()
        train(epochs)
        return time.thread_time() - started


def quality(side: str, name: str, seed: int, images: data.ImageSet, epochs: int) -> dict:
    """What so many epochs take and reach, measured on the test images."""
    trained = build(side, name, seed, images)
    seconds = timed(trained.train, epochs)
    test = data.mnist("test", "cpu").x
    torch.manual_seed(0)
    z, x_hat = trained.encode_and_rebuild(test)
    return {
        "epochs": epochs,
        "seconds": seconds,
        "squared_error": (x_hat - test).square().mean().item(),
        "over_floor": metrics.sliced_wasserstein_over_floor(z, Gaussian(DIM)),
    }


def turns(results: Results, names: list[str], sides: Sequence[str], images: data.ImageSet) -> None:
    """The CPU time of an epoch for each side, in turns; the first round warms up."""

    def epoch(side: str, name: str, seed: int) -> dict[str, float]:
        return {"seconds": timed(build(side, name, seed, images).train, 1)}

    for name, k, side in itertools.product(names, range(-1, results.settings["rounds"]), sides):
        if k >= 0:
            results.once(f"{name}/{side}/epoch {k}", partial(epoch, side, name, k))
        elif f"{name}/{side}/epoch 0" not in results.rows:
            epoch(side, name, 0)


def equal_time(
    results: Results, names: list[str], seeds: list[int], images: data.ImageSet
) -> None:
    """What each side reaches in a budget of CPU time, for every seed."""
    for seed, name, side in itertools.product(seeds, names, QUALITY_SIDES):
        epochs = max(1, round(results.settings["seconds"] / epoch_seconds(results, name, side)))
        results.once(f"{name}/{side}/{seed}", partial(quality, side, name, seed, images, epochs))


def epoch_seconds(results: Results, name: str, side: str) -> float:
    rounds = range(results.settings["rounds"])
    return statistics.median(results[f"{name}/{side}/epoch {k}"]["seconds"] for k in rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parts = ("times", "quality")
    parser.add_argument("parts", nargs="*", default=parts, choices=parts)
    parser.add_argument("--seconds", type=float, default=20.0, help="CPU time of each training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--models", nargs="+", default=list(BETAS), choices=list(BETAS))
    parser.add_argument("--images", type=int, default=10_000, help="the first so many of MNIST")
    parser.add_argument("--again", action="store_true", help="drop the results that are stored")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    images = data.mnist("train", "cpu").subset(slice(0, args.images))
    settings = {"images": args.images, "rounds": ROUNDS, "machine": machine()}
    if "times" in args.parts:
        results = Results("peers-times", settings, again=args.again)
        turns(results, args.models, SIDES, images)
        print(times_table(results))
    if "quality" in args.parts:
        results = Results("peers-quality", settings | {"seconds": args.seconds}, again=args.again)
        turns(results, args.models, QUALITY_SIDES, images)
        equal_time(results, args.models, args.seeds, images)
        print(quality_table(results))


def milliseconds(results: Results, name: str, side: str) -> float:
    """CPU time of a minibatch."""
    return 1000 * epoch_seconds(results, name, side) / -(-results.settings["images"] // BATCH)


def models(results: Results) -> list[str]:
    return list(dict.fromkeys(key.partition("/")[0] for key in results.rows))


def times_table(results: Results) -> str:
    """The time of a minibatch on each side, as Markdown."""
    lines = ["| model | side | ms per minibatch | of pythae's |", "|---|---|---:|---:|"]
    for name, side in itertools.product(models(results), SIDES):
        ms = milliseconds(results, name, side)
        ratio = ms / milliseconds(results, name, "pythae")
        lines.append(f"| {name} | {side} | {ms:.2f} | {ratio:.2f} |")
    return "\n".join(lines)


def quality_table(results: Results) -> str:
    """What equal CPU time reaches, as Markdown: a number for each seed."""
    lines = [
        "| model | side | ms per minibatch | CPU s | epochs | squared error | match × floor |"
    ]
    lines += ["|---|---|---:|---:|---:|---:|---:|"]
    forms = {"seconds": ".1f", "epochs": "d", "squared_error": ".4f", "over_floor": ".1f"}
    for name, side in itertools.product(models(results), QUALITY_SIDES):
        kept = results.rows.items()
        runs = [r for k, r in kept if k.startswith(f"{name}/{side}/") and "epochs" in r]
        cells = [" ".join(f"{r[key]:{form}}" for r in runs) for key, form in forms.items()]
        ms = f"{milliseconds(results, name, side):.2f}"
        lines.append(f"| {' | '.join([name, side, ms, *cells])} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
