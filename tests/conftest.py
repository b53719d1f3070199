"""Options and fixtures of the whole suite: one thread, one seed, one device."""

import os

import pytest
import torch
from accelerator import Accelerator

from aae_lessons import data, devices
from aae_lessons.training import loop


def pytest_addoption(parser):
    parser.addoption("--device", default="cpu", help="where tests compute: cpu, cuda or mps")


def pytest_configure(config):
    torch.set_num_threads(1)
    if hasattr(config, "workerinput"):  # one of several processes: their kernels share the cores
        os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def device(request):
    """The device named by ``--device``."""
    name = request.config.getoption("--device")
    if name.startswith("cuda") and not torch.cuda.is_available():
        pytest.skip("--device cuda: needs CUDA, and torch finds none here")
    return torch.device(name)


@pytest.fixture
def cuda():
    """A CUDA device, for the tests that make no sense without one."""
    if not torch.cuda.is_available():
        pytest.skip("needs CUDA, and torch finds none here")
    return torch.device("cuda")


@pytest.fixture(params=("cuda", "mps"))
def accelerator(request, monkeypatch):
    """A pretended device, cuda or mps, that :func:`devices.choose` chooses."""
    monkeypatch.setattr(devices, "choose", lambda name=None: torch.device(name or request.param))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (9, 0))
    monkeypatch.setattr(loop, "CapturedStep", lambda step, optimizers: step)  # needs a real card
    with Accelerator(request.param) as result:
        yield result


@pytest.fixture(autouse=True)
def seed():
    """Every test starts from the same random state."""
    torch.manual_seed(0)


@pytest.fixture
def watch_descents(monkeypatch):
    """``watch_descents(module, model, optimizers)``: what each phase's loss has a gradient for.

    The dict it returns, networks by phase, fills while the module's steps descend.
    """

    def watch(module, model, optimizers):
        phase_of = {id(optimizer): name for name, optimizer in optimizers.items()}
        reached, real = {}, module.descend

        def descend(loss, optimizer):
            names, parameters = zip(*model.named_parameters(), strict=True)
            result = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
            hit = {n.split(".")[0] for n, g in zip(names, result, strict=True) if g is not None}
            reached[phase_of[id(optimizer)]] = hit
            real(loss, optimizer)

        monkeypatch.setattr(module, "descend", descend)
        return reached

    return watch


@pytest.fixture(scope="session")
def digits():
    """The first 500 of MNIST's test images, on the CPU."""
    return data.mnist("test", "cpu").subset(slice(0, 500))
