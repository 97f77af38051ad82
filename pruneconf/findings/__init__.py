"""What rules say."""

from pruneconf.document.edits import Edit
from pruneconf.findings.model import Finding, Fix, Label, RuleInfo, Severity

__all__ = ["Edit", "Finding", "Fix", "Label", "RuleInfo", "Severity"]
