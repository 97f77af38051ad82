"""The model as plain data."""

from pruneconf.graph.model import Layer, ModelGraph, Module, Weight

__all__ = ["Layer", "ModelGraph", "Module", "Weight"]
