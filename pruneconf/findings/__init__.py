"""What rules say."""

from pruneconf.findings.model import Edit, Finding, Fix, Label, RuleInfo, Severity

__all__ = ["Edit", "Finding", "Fix", "Label", "RuleInfo", "Severity"]
