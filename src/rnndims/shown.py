"""Answers that programs keep and people look at: data with ``str()``, and HTML in a notebook."""

from dataclasses import dataclass

from .live.summary import ModelSummary
from .live.watch import ModelWatch
from .phrases import plural


@dataclass(frozen=True)
class Summary(ModelSummary):
    """What ``rnndims.summary`` returns: data, which ``str()`` shows as text and a notebook as tables."""

    def to_json(self) -> str:
        """The same as a JSON document, with ``"command": "summary"``."""
        from .render.documents import pretty, summary_document

        return pretty(summary_document(self))

    def __str__(self) -> str:
        from .render.console import plain_text
        from .render.summary_view import summary_view

        return plain_text(summary_view(self))

    def __repr__(self) -> str:
        rnns, parameters = plural(len(self.recurrent), "recurrent module"), f"{self.total.parameters:,}"
        return f"<rnndims.summary of {self.model}: {rnns}, {self.recurrent_macs:,} MACs, {parameters} parameters>"

    def _repr_html_(self) -> str:
        from .render.notebook import summary_html

        return summary_html(self)


class Watch(ModelWatch):
    """What ``rnndims.watch`` returns, and ``as`` names: ``calls``, ``warnings`` and ``not_watched`` of one model so far."""

    def __str__(self) -> str:
        from .render.console import plain_text
        from .render.trace_view import trace_view

        return plain_text(trace_view(self.report, of=self.model, more=".calls"))

    def __repr__(self) -> str:
        calls = sum(call.times for call in self.calls)
        return f"<rnndims.watch of {self.model}: {plural(calls, 'call')}, {plural(len(self.warnings), 'warning')}>"

    def _repr_html_(self) -> str:
        from .render.notebook import watch_html

        return watch_html(self.report, self.model)
