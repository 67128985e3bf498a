"""Holds the answers of two compliance reports to each other: every number, every caller, every line of the list.

Spelling is not an answer: letter case is folded, and 7 digits of a second are as good as 9.
"""
import collections
import json
import sys


def load(path):
    with open(path, encoding="utf-8") as f:
        report = json.load(f)

    def fold(text):
        return text.lower() if isinstance(text, str) else text

    def stamp(text):
        return text.rstrip("Z").rstrip("0").rstrip(".") if text else text

    return {
        "summary": report["summary"],
        "by_category": report["by_category"],
        "security_events": {name: dict(f, callers=sorted(f["callers"])) for name, f in report["security_events"].items()},
        "high_risk_operations": collections.Counter(
            (stamp(o["timestamp"]), fold(o["operation"]), fold(o["caller"]), fold(o["resource"]), o["status"])
            for o in report["high_risk_operations"]),
    }


a, b = load(sys.argv[1]), load(sys.argv[2])
wrong = [key for key in a if a[key] != b[key]]
for key in wrong:
    if key == "high_risk_operations":
        print(key, "only in the first:", list((a[key] - b[key]).items())[:3], "only in the second:", list((b[key] - a[key]).items())[:3])
    else:
        print(key, a[key], b[key])
print("answers differ in " + ", ".join(wrong) if wrong else "same answers: %d entries, %d of high risk" % (
    a["summary"]["total_operations"], sum(a["high_risk_operations"].values())))
sys.exit(1 if wrong else 0)
