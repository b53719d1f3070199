"""One file a lesson, each with the same headings: Config, the model, optimizers, train_step."""
