"""The same mathematics written as one would without theta0: what ours is compared with."""

import jax
import jax.numpy as jnp

from theta0.fields import SirenField


def network(params, x, config):
    """A SIREN at one point."""
    for weight, bias in params[:-1]:
        x = jnp.sin(config.w0 * (weight @ x + bias))
    weight, bias = params[-1]
    return weight @ x + bias + config.output_offset


def loss(params, points, values, config):
    """Mean squared error over the whole picture at once."""
    predictions = jax.vmap(lambda x: network(params, x, config))(points)
    return jnp.mean((predictions - values) ** 2)


def maml_loss(params, points, values, config, steps: int, lr: float):
    """Mean over tasks of the loss after ``steps`` of gradient descent; tasks lead."""

    def one(points, values):
        adapted = params
        for _ in range(steps):
            gradient = jax.grad(loss)(adapted, points, values, config)
            adapted = jax.tree.map(lambda p, g: p - lr * g, adapted, gradient)
        return loss(adapted, points, values, config)

    return jnp.mean(jax.vmap(one)(points, values))


def params_of(field: SirenField):
    """The weights of a field as a plain list."""
    return [(layer.weight, layer.bias) for layer in field.layers]
