"""A subject: an implementation that is loaded and ready to be called in this process."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convgauge.registry import Implementation, Origin
from convgauge.worker.call import Call, Description, Observation
from convgauge.worker.forms import Form
from convgauge.worker.frameworks import framework
from convgauge.worker.observe import Observer
from convgauge.worker.refusals import own_code


class Subject:
    """An implementation with the adapter of its framework. Not safe for use by several threads.

    Parameters
    ----------
    implementation : Implementation
        The implementation.
    origin : Origin or None
        Its origin, which states what code belongs to it; if None, the module of its function does.
    refusals : tuple of str
        Names of further exception classes that are refusals.
    """

    def __init__(
        self, implementation: Implementation, origin: Origin | None = None, refusals: tuple[str, ...] = ()
    ) -> None:
        self.framework = framework(implementation.declaration.framework)
        rounds = self.framework.name == "numpy" and not implementation.is_declared
        self.form = Form(implementation.function, rounds=rounds)
        self.implementation = replace(implementation, function=self.form)
        self.code, self.refusals = own_code(implementation, origin), refusals
        self._observer = Observer(self.implementation, self.framework, self.form, self.code, refusals)

    def describe(self) -> Description:
        """Return what the implementation declares and what its framework supports."""
        declaration = self.implementation.declaration
        return Description(
            name=declaration.name,
            framework=declaration.framework,
            algorithm=declaration.algorithm,
            grade=declaration.grade,
            dtypes=tuple(d for d in self.framework.dtypes if not declaration.dtypes or d in declaration.dtypes),
            layouts=self.framework.layouts,
            devices=self.framework.devices(),
            versions={declaration.framework: self.framework.version(), "numpy": np.__version__},
            declines=dict(declaration.declines),
            source=declaration.source,
            summary=declaration.summary,
            prepares=self.implementation.prepared is not None,
            adaptations=self.adaptations,
            supports=declaration.supports,
            reproducible=declaration.reproducible,
            direction=declaration.direction,
        )

    @property
    def adaptations(self) -> tuple[str, ...]:
        """Sentences: how calls of the implementation differ from conv2d's, as far as is known."""
        return (*self.implementation.adaptations, *self.form.adaptations)

    def observe(self, call: Call) -> Observation:
        """Make one call and return everything that it did."""
        observation = self._observer.observe(call)
        observation.adaptations = self.adaptations
        return observation
