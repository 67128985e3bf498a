"""The compliance report in pandas, the way people write it: rows of a few fields, then a DataFrame.

Same numbers as `handler digest`: each entry once by eventDataId, operations by their ARM name, callers without regard
to case. Prints the report as JSON; the script beside it measures and compares.
"""
import json
import sys

import pandas as pd


def value(field):
    return field.get("value") if isinstance(field, dict) else field


rows = []
with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        log = json.loads(line)
        rows.append({
            "id": log.get("eventDataId"),
            "timestamp": log.get("eventTimestamp"),
            "operation": value(log.get("operationName")),
            "status": value(log.get("status")),
            "caller": log.get("caller"),
            "resource_type": value(log.get("resourceType")),
            "resource_id": log.get("resourceId"),
            "category": value(log.get("category")),
            "level": log.get("level"),
        })

df = pd.DataFrame(rows).drop_duplicates(subset="id")
caller = df["caller"].str.lower()
status = df["status"]
report = {
    "summary": {
        "total_operations": len(df),
        "successful": int((status == "Succeeded").sum()),
        "failed": int((status == "Failed").sum()),
        "unique_callers": int(caller.nunique()),
    },
    "by_category": {k: int(v) for k, v in df.groupby("category").size().items()},
    "security_events": {},
    "high_risk_operations": [],
}
for op in ["Microsoft.Authorization/roleAssignments", "Microsoft.Authorization/policyAssignments",
           "Microsoft.KeyVault", "Microsoft.Network/networkSecurityGroups"]:
    hits = df[df["operation"].str.contains(op, case=False, na=False)]
    report["security_events"][op] = {
        "count": len(hits),
        "successful": int((hits["status"] == "Succeeded").sum()),
        "callers": sorted(hits["caller"].str.lower().dropna().unique().tolist()),
    }
risk = df[df["operation"].str.contains("delete", case=False, na=False)
          | df["operation"].str.contains("roleAssignment", case=False, na=False)]
for _, row in risk.iterrows():
    report["high_risk_operations"].append({
        "timestamp": row["timestamp"],
        "operation": row["operation"],
        "caller": row["caller"],
        "resource": row["resource_id"],
        "status": row["status"],
    })
json.dump(report, sys.stdout, default=str)
