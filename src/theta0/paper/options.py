"""Options of the tables and figures of the paper."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from theta0.errors import InputError, require_positive
from theta0.evaluation import Protocol
from theta0.inner import Objective, RuleConfig
from theta0.presets import INITS, InitName


@dataclass(frozen=True)
class Options:
    """Options of a table or figure; None selects the default, which is given in brackets."""

    signals: int | None = None
    """test signals [table1: 100, table2: 50, table3: 64, table4: 10, table5: 20, figure-images: 2,
    figure-curves: 8, figure-shapenet: 1, figure-shapenet-convergence: 4, figure-tourism: 4]"""
    tuning_signals: int | None = None
    """validation signals that choose the settings of update rules [table1: 4, table2: 4, table3: 4,
    table4: 3, table5: 5, figure-images: 2, figure-curves: 2, figure-shapenet: 1,
    figure-shapenet-convergence: 3, figure-tourism: 5]"""
    steps: tuple[int, ...] | None = None
    """numbers of inner steps [table3: up to 200, and 500 for what still rises, table4: 50 200
    1000, table5 and figure-tourism: up to 512, figure-images: up to 10, figure-curves: up to 50,
    figure-shapenet: 50 200, figure-shapenet-convergence: up to 2000]"""
    rules: tuple[RuleConfig, ...] | None = None
    """update rules to try, such as sgd:0.01 adam:1e-3; the best of each kind is chosen [those of
    the run]"""
    match_signals: int | None = None
    """table1: the first test signals, on which steps to match Meta are counted [4]"""
    match_tuning_signals: int | None = None
    """table1: validation signals that choose the settings for these fits [1]"""
    match_steps: int | None = None
    """table1: maximum number of steps to match Meta [200]"""
    baseline_signals: int | None = None
    """table3: the first test slices, on which baselines are evaluated, learned initializations with
    update rules other than their own, and everything at more than 8 views [16]"""
    views: tuple[int, ...] | None = None
    """table3: numbers of views [1 2 4 8 16 32 64 128]; table4 and figure-shapenet: number of input
    views [1]; figure-shapenet-convergence: the same [25]"""
    inits: tuple[InitName, ...] | None = None
    """initializations to compare; table3: in addition to classical reconstruction; table4 and
    figure-shapenet: from the first run of a class; table5: in addition to joint training [all]"""
    after_learned: tuple[RuleConfig, ...] | None = None
    """update rules to try after the learned steps [table3: adam:3e-5 adam:1e-4 adam:3e-4]"""
    samples: tuple[int, ...] | None = None
    """samples per ray to try in addition to those of training [table3: 64]"""
    w0: tuple[float, ...] | None = None
    """values of w0 to try for Standard [table3, SIREN: 15 and that of the network]"""
    objectives: tuple[Objective, ...] | None = None
    """objectives to try, such as tv=1e-5 huber=0.1 [table3, for learned and standard: tv=1e-7
    tv=1e-6 tv=1e-5, none at more than 8 views; table5, for meta and standard: huber=0.03 huber=0.1
    huber=0.3]"""
    flip: bool | None = None
    """table3: try flip test-time augmentation for learned and standard [yes]"""

    def __post_init__(self):
        # Refused before an hour of training rather than after it.
        Protocol(**self.of_protocol())
        require_positive(self, "match_signals", "match_tuning_signals", "match_steps")
        require_positive(self, "baseline_signals")
        if self.inits == ():
            raise InputError(f"inits: name at least one of {', '.join(INITS)}")
        if self.views is not None and (not self.views or min(self.views) < 1):
            raise InputError(f"views {self.views} must be numbers above 0, at least one")
        if (self.match_signals or 0) > (self.signals or self.match_signals or 0):
            raise InputError(
                f"match_signals is {self.match_signals}, but these are the first of {self.signals} "
                "signals; give fewer, or more signals"
            )

    def of_protocol(self) -> dict[str, Any]:
        """The options that are settings of a `Protocol`."""
        names = {setting.name for setting in dataclasses.fields(Protocol)} - {"views"}
        given = {name: value for name, value in vars(self).items() if value is not None}
        return {name: value for name, value in given.items() if name in names}
