"""Options and fixtures of the whole suite: one thread, one seed, one device."""

import pytest
import torch

from aae_lessons import data


def pytest_addoption(parser):
    parser.addoption("--device", default="cpu", help="where tests compute: cpu, cuda or mps")


def pytest_configure(config):
    torch.set_num_threads(1)


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


@pytest.fixture(autouse=True)
def seed():
    """Every test starts from the same random state."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def digits():
    """The first 500 of MNIST's test images, on the CPU."""
    return data.mnist("test", "cpu").subset(slice(0, 500))
