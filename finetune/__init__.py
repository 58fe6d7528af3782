"""Recipes that tune the reply model and the encoder."""
