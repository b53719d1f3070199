"""What is measured of a trained model on the 10,000 test images; one file per lesson.

Each file has ``measure(model, test) -> {metric: value}``, which a recipe names, and what is
watched while a model trains.
"""
