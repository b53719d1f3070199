"""Our training loop next to pythae's, a maintained library of autoencoders (Chadebec et al. 2022).

    uv run --isolated --with pythae python benchmarks/peers.py            # the time of an epoch
    uv run --isolated --with pythae python benchmarks/peers.py --minutes 2 --seeds 0 1 2

AAE, VAE and WAE-MMD on MNIST with the same networks (784-256-256-2 and back; leaky ReLU), batch
128, Adam 5e-4, single precision, one CPU thread. pythae trains by its own trainer, data set and
data loader, with its own defaults otherwise. Its AAE updates encoder and decoder together, as our
``joint_step`` does. With ``--minutes`` each side trains for as many epochs as fit into that time,
by the time its first epoch took; then squared error and the match of codes to the prior (sliced
Wasserstein over its floor) are measured on the test images by the same code.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import tempfile
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from aae_lessons import data, metrics, training
from aae_lessons.models import adversarial, variational, wasserstein
from aae_lessons.networks import mlp
from aae_lessons.objectives import inverse_multiquadratics, squared_error
from aae_lessons.priors import Gaussian

BATCH, LR, DIM, HIDDEN = 128, 5e-4, 2, (256, 256)
PIXELS = 784


class Ours:
    """A model of the course, trained by ``training.fit``."""

    def __init__(self, name: str, seed: int) -> None:
        torch.manual_seed(seed)
        prior, kernel = Gaussian(DIM), inverse_multiquadratics(DIM)
        build, self.step = {
            "AAE": (
                lambda: adversarial.AAE(prior, adversarial.JointConfig(hidden=HIDDEN, lr=LR)),
                adversarial.joint_step,
            ),
            "VAE": (
                lambda: variational.VAE(
                    prior, variational.Config(hidden=HIDDEN, cost=squared_error)
                ),
                variational.train_step,
            ),
            "WAE-MMD": (
                lambda: wasserstein.WAE(
                    prior,
                    squared_error,
                    wasserstein.MMD(kernel),
                    wasserstein.Config(hidden=HIDDEN),
                ),
                wasserstein.train_step,
            ),
        }[name]
        self.model = build()
        self.batches = data.Minibatches(data.mnist("train", "cpu"), BATCH, seed)

    def train(self, epochs: int) -> None:
        schedule = training.constant
        training.fit(
            self.step, self.model, self.batches, epochs, schedule=schedule, progress=False
        )

    @torch.no_grad()
    def encode_and_rebuild(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z = self.model.encode(x)
        return z, self.model.decode(z)


class Pythae:
    """pythae's model of the same kind and size, trained by its own trainer."""

    def __init__(self, name: str, seed: int) -> None:
        from pythae import models
        from pythae.models.base.base_utils import ModelOutput
        from pythae.models.nn import BaseDecoder, BaseEncoder

        class Encoder(BaseEncoder):
            def __init__(self) -> None:
                super().__init__()
                self.body = mlp((PIXELS, *HIDDEN))
                self.embedding, self.log_var = (nn.Linear(HIDDEN[-1], DIM) for _ in range(2))

            def forward(self, x: Tensor) -> ModelOutput:
                h = nn.functional.leaky_relu(self.body(x.flatten(1)), 0.2)
                return ModelOutput(embedding=self.embedding(h), log_covariance=self.log_var(h))

        class Decoder(BaseDecoder):
            def __init__(self) -> None:
                super().__init__()
                self.body = mlp((DIM, *HIDDEN, PIXELS))

            def forward(self, z: Tensor) -> ModelOutput:
                return ModelOutput(reconstruction=self.body(z).sigmoid())

        torch.manual_seed(seed)
        kind, config, extra = {
            "AAE": (models.Adversarial_AE, models.Adversarial_AE_Config, {}),
            "VAE": (models.VAE, models.VAEConfig, {"reconstruction_loss": "mse"}),
            "WAE-MMD": (models.WAE_MMD, models.WAE_MMD_Config, {"kernel_choice": "imq"}),
        }[name]
        settings = config(input_dim=(PIXELS,), latent_dim=DIM, **extra)
        self.model, self.adversarial = kind(settings, Encoder(), Decoder()), name == "AAE"
        self.images, self.seed = data.mnist("train", "cpu").x, seed

    def train(self, epochs: int) -> None:
        from pythae import trainers

        kind = trainers.AdversarialTrainer if self.adversarial else trainers.BaseTrainer
        config = f"{kind.__name__}Config"
        rates = (
            {"autoencoder_learning_rate": LR, "discriminator_learning_rate": LR}
            if self.adversarial
            else {"learning_rate": LR}
        )
        with tempfile.TemporaryDirectory() as folder:
            settings = getattr(trainers, config)(
                output_dir=folder,
                num_epochs=epochs,
                per_device_train_batch_size=BATCH,
                no_cuda=True,
                seed=self.seed,
                **rates,
            )
            dataset = data_set(self.images)
            kind(self.model, dataset, training_config=settings).train()

    @torch.no_grad()
    def encode_and_rebuild(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z = self.model.encoder(x).embedding
        return z, self.model.decoder(z).reconstruction


def data_set(x: Tensor):
    """pythae's own data set."""
    from pythae.data.datasets import BaseDataset

    return BaseDataset(x, torch.zeros(len(x)))


def timed(train: Callable[[int], None], epochs: int) -> float:
    """CPU seconds of some epochs; what the loop prints is dropped."""
    logging.disable(logging.WARNING)
    started = time.thread_time()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        train(epochs)
    return time.thread_time() - started


def measure(name: str, seed: int, minutes: float) -> dict[str, dict[str, float]]:
    """By side: seconds per epoch and, if ``minutes`` is above 0, quality after so many."""
    result = {}
    for side in (Ours, Pythae):
        per_epoch = timed(side(name, seed).train, 1)
        result[side.__name__.lower()] = row = {"seconds_per_epoch": per_epoch}
        if minutes:
            trained = side(name, seed)
            row["epochs"] = max(1, int(60 * minutes / per_epoch))
            row["seconds"] = timed(trained.train, int(row["epochs"]))
            test = data.mnist("test", "cpu").x
            z, x_hat = trained.encode_and_rebuild(test)
            row["squared_error"] = (x_hat - test).square().mean().item()
            row["over_floor"] = metrics.sliced_wasserstein_over_floor(z, Gaussian(DIM))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--models", nargs="+", default=["AAE", "VAE", "WAE-MMD"])
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    for name in args.models:
        for seed in args.seeds:
            sides = measure(name, seed, args.minutes)
            for side, row in sides.items():
                values = "  ".join(f"{key} {value:.4g}" for key, value in row.items())
                print(f"{name}, seed {seed}, {side}: {values}", flush=True)
            ratio = sides["ours"]["seconds_per_epoch"] / sides["pythae"]["seconds_per_epoch"]
            print(f"{name}, seed {seed}: ours takes {ratio:.2f} of pythae's epoch", flush=True)


if __name__ == "__main__":
    main()
