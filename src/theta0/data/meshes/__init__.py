"""Textured triangle meshes: read from files, varied, and rendered as posed views."""

from theta0.data.meshes._limits import MeshLimits
from theta0.data.meshes._mesh import Mesh
from theta0.data.meshes._render_views import RenderConfig, Rendered, render_views
from theta0.data.meshes._sets import MeshObject, find_meshes
from theta0.data.meshes._variants import Variant, random_variant

__all__ = [
    "Mesh",
    "MeshLimits",
    "MeshObject",
    "RenderConfig",
    "Rendered",
    "Variant",
    "find_meshes",
    "random_variant",
    "render_views",
]
