"""Pinhole cameras, their poses and rays, and the distortion of lenses."""

from theta0.data.cameras._cameras import (
    Camera,
    Interval,
    Projection,
    Rays,
    fov_rad,
    project,
    rays,
    through_sphere,
)
from theta0.data.cameras._lens import COEFFICIENTS, Distortion, undistort, undistorted_camera
from theta0.data.cameras._poses import (
    Matrix,
    Number,
    Vector,
    checked_pose,
    inverse_pose,
    look_at,
    orbit,
    swap_opencv_opengl,
    z_up_from_y_up,
)

__all__ = [
    "COEFFICIENTS",
    "Camera",
    "Distortion",
    "Interval",
    "Matrix",
    "Number",
    "Projection",
    "Rays",
    "Vector",
    "checked_pose",
    "fov_rad",
    "inverse_pose",
    "look_at",
    "orbit",
    "project",
    "rays",
    "swap_opencv_opengl",
    "through_sphere",
    "undistort",
    "undistorted_camera",
    "z_up_from_y_up",
]
