"""Alerts for who has no Prometheus: rules over what Redis and the database tell, each fires once and clears once.

Every API and worker process watches; one of them at a time judges, so that "no worker is alive" is found by somebody
who is. ``docs/alerts.md`` says what each alert means.
"""

from dealpulse.alerts.rules import Rule, Severity, Told, told_of
from dealpulse.alerts.watch import watch_alerts

__all__ = ["Rule", "Severity", "Told", "told_of", "watch_alerts"]
