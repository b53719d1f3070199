"""What the exercises call: a verdict, its likely cause, hints.

One module a lesson (``from aae_lessons.checks import autoencoder as check``), in it one check an
exercise: ``check.cost(my_cost)``, ``check.cost.hint()``, ``check.cost.solution()``.
"""
