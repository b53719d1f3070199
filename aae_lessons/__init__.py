"""Adversarial autoencoders, lesson by lesson.

The whole course starts from one objective; every lesson changes a term of it, or adds one::

    min over encoder Q, decoder G:   E[ c(x, G(Q(x))) ]  +  λ · D_Z(Q_Z, P_Z)

    c      reconstruction cost: how far an image is from its reconstruction
    Q_Z    the aggregated posterior: the distribution of the codes Q(x), x from the data
    P_Z    the prior: the distribution that the codes should have
    D_Z    a discrepancy: how far Q_Z is from P_Z
    λ      the weight of the discrepancy

Symbols, the same in every lesson, docstring and figure:

========== ============================== ==========================================
``B``      batch size
``d``      number of latent dimensions
``K``      number of classes or clusters
``x``      images, ``(B, 784)``           pixels in [0, 1], flattened row by row
``label``  classes, ``(B,)``              0 … K-1; -1 stands for "no label"
``z``      codes, ``(B, d)``              what the encoder makes of ``x``
``y``      categorical codes, ``(B, K)``  rows are probabilities
``z_prior``  prior samples, ``(B, d)``    to a discriminator these are the *real* ones
``logits``  ``(B, 784)`` or ``(B,)``      before the sigmoid
``x_hat``  reconstructions, ``(B, 784)``  ``sigmoid(logits)``
========== ============================== ==========================================

Papers: Makhzani et al. 2015, "Adversarial Autoencoders", arXiv:1511.05644 (AAE);
Tolstikhin et al. 2018, "Wasserstein Auto-Encoders", arXiv:1711.01558 (WAE).
"""

__version__ = "0.1.0"
