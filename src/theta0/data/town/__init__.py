"""Photographs of a procedural landmark, in any look and with or without transient occluders."""

from theta0.data.town._town import TouristTown, Town

__all__ = [
    "TouristTown",
    "Town",
]
