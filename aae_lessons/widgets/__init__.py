"""Explorers: latent spaces to move through."""
