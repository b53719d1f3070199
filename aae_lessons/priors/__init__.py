"""Priors P_Z: what the codes should be distributed as.

All that an adversarial autoencoder needs of a prior is ``sample`` (:class:`Prior`). A prior whose
density is known has ``log_prob`` too (:class:`HasDensity`), which a VAE needs. A prior with a part
for each class has ``sample_given(label)`` (:class:`Conditional`, AAE §2.3); a label of -1 ("no
label") draws from the whole prior.

All draws come from torch's global random state, so ``torch.manual_seed`` governs them.
"""

from aae_lessons.priors.categorical import (
    Categorical,
)
from aae_lessons.priors.curves import (
    SwissRoll,
)
from aae_lessons.priors.gaussians import (
    Gaussian,
    GaussianMixture,
)
from aae_lessons.priors.painted import (
    Painted,
)
from aae_lessons.priors.protocols import (
    Conditional,
    HasDensity,
    HasModes,
    Prior,
    check_classes,
    check_prior,
)

__all__ = [
    "Categorical",
    "Conditional",
    "Gaussian",
    "GaussianMixture",
    "HasDensity",
    "HasModes",
    "Painted",
    "Prior",
    "SwissRoll",
    "check_classes",
    "check_prior",
]
