"""Real images, label splits and minibatches, all from memory on one device.

MNIST comes inside the package (no network is needed for any lesson); Fashion-MNIST and SVHN load
through torchvision. A data set is two tensors on one device, ``images`` (uint8) and ``labels``;
a minibatch is a row index into them, converted to floats as it is taken.

MNIST is by Yann LeCun, Corinna Cortes and Christopher J. C. Burges (CC BY-SA 3.0).
"""

from aae_lessons.data.labels import balanced_subset, hide_labels, split_validation
from aae_lessons.data.minibatches import (
    LoaderBatches,
    Minibatches,
    SemiSupervisedBatch,
    SemiSupervisedMinibatches,
)
from aae_lessons.data.sets import (
    CLASSES,
    UNLABELLED,
    Batch,
    DataError,
    ImageSet,
    to_pixels,
)
from aae_lessons.data.sources import (
    MNIST_FILES,
    MNIST_FOLDER,
    MNIST_SHAPE,
    fashion_mnist,
    mnist,
    svhn,
)

__all__ = [
    "CLASSES",
    "MNIST_FILES",
    "MNIST_FOLDER",
    "MNIST_SHAPE",
    "UNLABELLED",
    "Batch",
    "DataError",
    "ImageSet",
    "LoaderBatches",
    "Minibatches",
    "SemiSupervisedBatch",
    "SemiSupervisedMinibatches",
    "balanced_subset",
    "fashion_mnist",
    "hide_labels",
    "mnist",
    "split_validation",
    "svhn",
    "to_pixels",
]
