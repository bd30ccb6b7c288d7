"""Learn where to start for a class of signals, then reconstruct new ones from 4 views.

Builds the whole stack by hand: tasks (random head phantoms seen by a CT scanner), a forward map
(line integrals), a field, an inner loop, a meta-learner (Reptile), and the outer loop. Then unseen
phantoms are reconstructed in 12 steps, from the learned and from a standard start. Prints the mean
PSNR of both; the learned start gains about 4 dB.

    python examples/01_learn_an_initialization.py        # about 10 s on 2 cores
"""

import jax
import numpy as np

from theta0.fields import Field, FourierConfig, evaluate
from theta0.fit import InnerConfig, fit
from theta0.forward import Lines
from theta0.meta import OuterConfig, Reptile, learn
from theta0.metrics import psnr
from theta0.tasks import CTConfig

VIEWS, SIGNALS, STEPS = 4, 4, 12


def main() -> None:
    family = CTConfig(size=32, train=256, test=SIGNALS, training_views=8, rays=32).build()
    forward = Lines(samples=24, reduce="sum")
    config = FourierConfig(width=64, layers=4, features=64, bandwidth=5.0)
    standard = config.build(jax.random.PRNGKey(0))

    # Training sees 64 random rays a step, the test every ray of its few views.
    inner = InnerConfig(optimizer="sgd", lr=10.0, steps=STEPS, batch=64).build()
    outer = OuterConfig(lr=3e-3, steps=300, tasks=1)
    learned = learn(Reptile(inner), forward, standard, family, outer).best

    loop = inner._replace(batch=None)

    def reconstruct(start: Field, index: int) -> float:
        task = family.held_out("test", index, views=VIEWS)
        field = fit(forward, start, task.support, loop, jax.random.PRNGKey(index)).field
        return psnr(np.asarray(evaluate(field, task.query.p)), np.asarray(task.query.y))

    for name, start in {"learned": learned, "standard": standard}.items():
        mean = np.mean([reconstruct(start, index) for index in range(SIGNALS)])
        print(f"{name:8s} start, {VIEWS} views, {STEPS} steps: {mean:.2f} dB")


if __name__ == "__main__":
    main()
