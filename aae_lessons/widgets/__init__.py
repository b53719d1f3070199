"""Explorers: latent spaces to move through. Their work is done in the browser (``js/``).

Each is a class in a file of its own: ``latent.LatentExplorer``,
``class_style.ClassStyleExplorer``, ``interpolation.InterpolationExplorer``,
``scrubber.TrainingScrubber``, ``painter.PriorPainter``, ``game.AdversarialGameExplorer``,
``costs.CostDiscrepancyExplorer``. All are anywidgets: ordinary traits, in JupyterLab, VS Code and
Colab. ``static`` puts them on a page without a kernel; painter and game train there too.
"""
