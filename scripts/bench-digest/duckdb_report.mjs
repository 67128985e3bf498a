// The compliance report in DuckDB: one scan of the JSON Lines into a table of the fields that are needed, each entry once
// by eventDataId, then the aggregates. Same numbers as `handler digest`. Prints the report as JSON.
import { createRequire } from "node:module";

const require = createRequire(process.env.DUCKDB_HOME ? process.env.DUCKDB_HOME + "/" : import.meta.url);
const { DuckDBInstance } = require("@duckdb/node-api");

const file = process.argv[2].replaceAll("'", "''");
const db = await (await DuckDBInstance.create(":memory:", { threads: process.env.THREADS ?? "2" })).connect();
await db.run(`CREATE TABLE log AS
  SELECT any_value(eventTimestamp) AS ts, any_value(operationName.value) AS operation, any_value(status.value) AS status,
         any_value(lower(caller)) AS caller, any_value(resourceId) AS resource, any_value(category.value) AS category
  FROM read_json('${file}', format = 'newline_delimited', columns = {
    eventDataId: 'VARCHAR', eventTimestamp: 'VARCHAR', caller: 'VARCHAR', resourceId: 'VARCHAR',
    operationName: 'STRUCT("value" VARCHAR)', status: 'STRUCT("value" VARCHAR)', category: 'STRUCT("value" VARCHAR)'})
  GROUP BY eventDataId`);

const rows = async (sql) => (await db.runAndReadAll(sql)).getRowObjectsJson();
const [summary] = await rows(`SELECT count(*)::INT AS total_operations, (count(*) FILTER (status = 'Succeeded'))::INT AS successful,
  (count(*) FILTER (status = 'Failed'))::INT AS failed, count(DISTINCT caller)::INT AS unique_callers FROM log`);
const report = { summary, by_category: {}, security_events: {}, high_risk_operations: [] };
for (const r of await rows("SELECT category, count(*)::INT AS n FROM log WHERE category IS NOT NULL GROUP BY ALL")) {
  report.by_category[r.category] = r.n;
}
for (const family of ["Microsoft.Authorization/roleAssignments", "Microsoft.Authorization/policyAssignments",
  "Microsoft.KeyVault", "Microsoft.Network/networkSecurityGroups"]) {
  const [r] = await rows(`SELECT count(*)::INT AS count, (count(*) FILTER (status = 'Succeeded'))::INT AS successful,
    list_sort(list(DISTINCT caller) FILTER (caller IS NOT NULL)) AS callers FROM log WHERE contains(lower(operation), '${family.toLowerCase()}')`);
  report.security_events[family] = { ...r, callers: r.callers ?? [] };
}
report.high_risk_operations = await rows(`SELECT ts AS timestamp, operation, caller, resource, status FROM log
  WHERE contains(lower(operation), 'delete') OR contains(lower(operation), 'roleassignment') ORDER BY ts`);
process.stdout.write(JSON.stringify(report));
