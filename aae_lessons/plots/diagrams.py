"""The architectures of the course as drawings: one visual language in lessons, site and slides.

Every function returns a :class:`~aae_lessons.plots.drawing.Diagram` with ``svg`` and ``alt``.
Where an algorithm has phases, ``phase`` names the one that is drawn: the networks that it updates
are filled, and what it does not use is greyed. ``dark`` draws for dark paper.
"""

from __future__ import annotations

from aae_lessons.arguments import check
from aae_lessons.plots._diagram_parts import adversary, autoencoder_row, cost_lines
from aae_lessons.plots.drawing import Canvas, Diagram

MOVES = {  # phase -> networks that it updates
    "reconstruction": ("encoder", "decoder"),
    "discriminator": ("discriminator",),
    "generator": ("encoder",),
    "joint": ("encoder", "decoder"),
}
SAYS = {
    "reconstruction": "Reconstruction phase: encoder and decoder are updated.",
    "discriminator": "Regularization phase, discriminator: only the discriminator is updated.",
    "generator": "Regularization phase, generator: only the encoder is updated.",
    "joint": "Joint step: encoder and decoder descend cost + λ · generator loss together.",
    "classification": "Supervised phase: only the encoder is updated, on labelled images.",
}


def autoencoder(dark: bool = False) -> Diagram:
    """Image, encoder, code, decoder, reconstruction: lesson 1."""
    canvas = Canvas(760, 190, dark)
    autoencoder_row(canvas, 80)
    canvas.loss((380, 165), "reconstruction cost c(x, x̂)", 230)
    cost_lines(canvas, 80, 165, 265)
    return canvas.finish(
        "An autoencoder: an image x enters the encoder, which narrows it to a code z; the decoder "
        "widens z to a reconstruction x̂. A cost compares x and x̂."
    )


def aae(phase: str | None = None, dark: bool = False) -> Diagram:
    """The adversarial autoencoder: lesson 2.

    Args:
        phase: "reconstruction", "discriminator", "generator", "joint", or None for all of it.
        dark: for dark paper.
    """
    what = (
        "An adversarial autoencoder. Upper row: image x, encoder, code z, decoder, reconstruction "
        "x̂, and a cost that compares x and x̂. Lower row: a discriminator D sees samples of the "
        "prior P_Z, which are real, and the codes z, which are fake, and says which is which."
    )
    return _one_code(phase, dark, "z", "prior P_Z", what)


def vae(dark: bool = False) -> Diagram:
    """The variational autoencoder: lesson 3."""
    canvas = Canvas(800, 300, dark)
    canvas.image((50, 110), "x")
    canvas.network("encoder", (160, 110), "encoder")
    canvas.code((275, 80), "μ")
    canvas.code((275, 140), "σ")
    canvas.frame((275, 110), 60, 116, "q(z|x)")
    canvas.code((420, 110), "z")
    canvas.network("decoder", (550, 110), "decoder")
    canvas.image((680, 110), "x̂")
    for start, end in (((75, 110), (110, 110)), ((209, 104), (253, 84)), ((209, 116), (253, 136)),
                       ((296, 82), (398, 104)), ((296, 138), (398, 116)),
                       ((441, 110), (500, 110)), ((599, 110), (654, 110))):  # fmt: skip
        canvas.arrow(start, end)
    canvas.text((347, 76), "z = μ + σ·ε", size=12)
    canvas.text((420, 206), "noise ε from N(0, I)", size=13)
    canvas.arrow((420, 188), (420, 132))
    canvas.loss((160, 220), "KL( q(z|x) ‖ p(z) )", 180)
    canvas.arrow((275, 168), (275, 220), (253, 220), role="fake")
    canvas.loss((390, 30), "reconstruction −log p(x|z)", 220)
    cost_lines(canvas, 110, 30, 280, left=50, right=680, inner=500)
    canvas.text((160, 252), "of every image alone", size=12)
    return canvas.finish(
        "A variational autoencoder: the encoder gives each image x a mean μ and a deviation σ; "
        "the code is z = μ + σ·ε with noise ε; the decoder rebuilds x̂ from z. The KL compares "
        "each image's posterior q(z|x), both μ and σ, with the prior p(z). No discriminator."
    )


def categorical(phase: str | None = None, dark: bool = False) -> Diagram:
    """An autoencoder with a categorical code y: lesson 4. Phases as for :func:`aae`."""
    what = (
        "An autoencoder with a categorical code. Upper row: image x, encoder, code y, which is a "
        "softmax over K classes, decoder, reconstruction x̂, and a cost that compares x and x̂. "
        "Lower row: a discriminator D_cat sees one-hot samples of a categorical prior, which are "
        "real, and the codes y, which are fake, and says which is which."
    )
    return _one_code(phase, dark, "y", "Cat(K)", what, "D_cat")


def wae(dark: bool = False) -> Diagram:
    """The Wasserstein autoencoder: any cost, any discrepancy between codes and prior: lesson 7."""
    canvas = Canvas(760, 345, dark)
    autoencoder_row(canvas, 110)
    canvas.loss((380, 45), "any cost c(x, x̂)", 180)
    cost_lines(canvas, 110, 45, 290)
    canvas.prior((130, 275), "prior P_Z")
    canvas.code((270, 275), "z_prior", "real")
    canvas.arrow((192, 275), (244, 275), role="real")
    canvas.arrow((296, 275), (408, 275), role="real")
    canvas.arrow((380, 131), (380, 225), (420, 252), role="fake")
    canvas.loss((560, 275), "λ · D_Z (Q_Z , P_Z )", 300)
    canvas.text((560, 312), "adversarial · MMD · sliced Wasserstein", size=12)
    return canvas.finish(
        "A Wasserstein autoencoder: an autoencoder with any cost c(x, x̂), and any discrepancy D_Z "
        "between the codes and samples of the prior: adversarial, MMD or sliced Wasserstein."
    )


def semi_supervised(phase: str | None = None, dark: bool = False) -> Diagram:
    """Codes y and z, an adversary for each, and labels: lesson 5.

    Args:
        phase: "reconstruction", "discriminator", "generator", "classification", or None.
        dark: for dark paper.
    """
    return _class_and_style(phase, dark, "Cat(10)", labels=True)


def clustering(phase: str | None = None, dark: bool = False) -> Diagram:
    """The same without labels: y is a cluster: lesson 6. Phases as for :func:`aae` but "joint"."""
    return _class_and_style(phase, dark, "Cat(K)", labels=False)


def ladder(dark: bool = False) -> Diagram:
    """One layer of a Ladder network: noisy pass, decoder, clean pass: lesson 8."""
    canvas = Canvas(800, 350, dark)
    for x, words in ((130, "noisy pass"), (400, "decoder"), (740, "clean pass")):
        canvas.text((x, 24), words, size=13, bold=True)
    canvas.text((20, 90), "layer l + 1", size=12, anchor="start")
    canvas.text((20, 226), "layer l", size=12, anchor="start")
    canvas.code((130, 90), "z̃")
    canvas.code((400, 90), "ẑ")
    canvas.code((740, 90), "z")
    canvas.text((400, 150), "u = BN(V ẑ)", size=13)
    canvas.code((130, 226), "z̃")
    canvas.network("decoder", (400, 226), "g(z̃, u)")
    canvas.code((530, 226), "ẑ")
    canvas.code((740, 226), "z")
    for x in (130, 740):  # both encoders work upwards
        canvas.arrow((x, 330), (x, 250))
        canvas.arrow((x, 204), (x, 114))
    canvas.text((142, 300), "noise", size=12, anchor="start")
    canvas.text((142, 160), "noise", size=12, anchor="start")
    canvas.arrow((400, 112), (400, 138))
    canvas.arrow((400, 162), (400, 192))
    canvas.arrow((152, 226), (350, 226))
    canvas.arrow((449, 226), (508, 226))
    canvas.loss((636, 300), "λ · ‖ẑ_BN − z‖² / m", 160)
    canvas.arrow((552, 226), (616, 226), (616, 282))
    canvas.arrow((718, 226), (656, 226), (656, 282))
    return canvas.finish(
        "One layer of a Ladder network. Left, the noisy pass leads upwards through z̃ of layer l "
        "to z̃ of layer l + 1; right, the clean pass through z. In the middle the decoder leads "
        "downwards: from ẑ of layer l + 1 comes the signal u = BN(V ẑ), and g estimates ẑ of "
        "layer l from u and z̃. A cost compares ẑ with the clean z of the same layer."
    )


# ------------------------------------------------------------------------------- parts


def _one_code(
    phase: str | None, dark: bool, code: str, prior: str, what: str, opponent: str = "D"
) -> Diagram:
    """The AAE with a code, a prior and a discriminator (``opponent``) of these names."""
    canvas = _canvas(760, 345, dark, phase, tuple(MOVES))
    rebuilt, played = phase in (None, "reconstruction", "joint"), phase != "reconstruction"
    autoencoder_row(canvas, 110, code, quiet=not rebuilt)
    if rebuilt:
        canvas.loss((380, 45), "reconstruction cost c(x, x̂)", 230)
        cost_lines(canvas, 110, 45, 265)
    draws = phase in (None, "discriminator")
    real, fake = "real" * draws, "fake" * played
    canvas.prior((130, 275), prior, classes=prior.startswith("Cat"))
    canvas.code((270, 275), f"{code}_prior", "real")
    canvas.network("discriminator", (470, 275), f"{opponent}({code})")
    canvas.arrow((192, 275), (244, 275), quiet=not draws, role=real)
    canvas.arrow((296, 275), (410, 275), quiet=not draws, role=real, label="real")
    canvas.arrow((380, 131), (380, 215), (430, 258), quiet=not played, role=fake)
    canvas.text((372, 190), "fake", size=12, colour=canvas.colour("fake"), anchor="end")
    if phase == "discriminator":
        canvas.stop((380, 160), f"{code}.detach()")
    canvas.loss((655, 275), _game(phase, code, opponent), 178)
    canvas.arrow((529, 275), (564, 275), quiet=not played)
    return canvas.finish(_alt(what, phase))


def _canvas(
    width: int, height: int, dark: bool, phase: str | None, phases: tuple[str, ...]
) -> Canvas:
    ok = phase is None or phase in phases
    check(ok, "phase", phase, f"None, or one of {', '.join(phases)}")
    moving = {**MOVES, "classification": ("encoder",)}.get(phase) if phase else None
    return Canvas(width, height, dark, moving)


def _game(phase: str | None, code: str, opponent: str) -> str:
    """What the adversarial part minimises in a phase."""
    return {
        "discriminator": f"−log {opponent}({code}_prior )\n− log (1 − {opponent}({code}))",
        "generator": f"−log {opponent}({code})",
        "joint": f"λ · (−log {opponent}({code}))",
    }.get(phase or "", "real or fake?")


def _alt(what: str, phase: str | None) -> str:
    return f"{what} {SAYS[phase]}" if phase else what


def _class_and_style(phase: str | None, dark: bool, prior: str, labels: bool) -> Diagram:
    phases = ("reconstruction", "discriminator", "generator", *["classification"] * labels)
    canvas = _canvas(800, 470, dark, phase, phases)
    rebuilt, played = phase in (None, "reconstruction"), phase in (None, *phases[1:3])
    canvas.image((60, 235), "x")
    canvas.network("encoder", (180, 235), "encoder Q")
    canvas.network("decoder", (600, 235), "decoder G")
    canvas.image((740, 235), "x̂")
    canvas.arrow((85, 235), (130, 235))
    canvas.arrow((649, 235), (714, 235), quiet=not rebuilt)
    for name, y, up in (("y", 190, True), ("z", 280, False)):
        unused = phase == "classification" and name == "z"
        canvas.code((340, y), name)
        canvas.arrow((229, 235), (318, y), quiet=unused)
        canvas.arrow((361, y), (550, 235 - 12 * (1 if up else -1)), quiet=not rebuilt)
        adversary(canvas, name, 70 if up else 400, y, prior if up else "N(0, I)", played, phase)
    if rebuilt:
        canvas.loss((700, 320), "cost c(x, x̂)", 130)
        canvas.arrow((740, 260), (740, 302))
    if labels and phase in (None, "classification"):
        canvas.loss((505, 150), "cross-entropy(logits of y, label)", 220)
        canvas.arrow((361, 182), (395, 160), role="real")
    kind = "class" if labels else "cluster"
    return canvas.finish(_alt(
        f"An adversarial autoencoder with two codes: the encoder gives each image a {kind} y, a "
        "softmax, and a style z; the decoder rebuilds x̂ from both. One discriminator compares y "
        f"with the categorical prior, another compares z with a Gaussian."
        + (" Labelled images also have a cross-entropy on the logits of y." * labels),
        phase,
    ))  # fmt: skip
