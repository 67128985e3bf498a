// Asks Microsoft's own parser of KQL, @kusto/language-service-next, what is wrong with queries: syntax, and columns and
// functions that do not exist. It needs no network and no cluster.
//
//   node check.js FOLDER < [{"name": …, "text": …}, …]      FOLDER holds the package
//
// prints [{"name": …, "line": …, "code": …, "message": …}, …]. `make kusto` installs the package.
"use strict";
const fs = require("fs");
const path = require("path");
const vm = require("vm");

// The columns of the tables that we ask, from the Azure Monitor tables reference: all of AzureActivity, and of
// the others those that alert rules and the workbooks of infra may need. traces is AppTraces as Application Insights
// names it, which docs/operations.md asks.
const tables = {
  AzureActivity: `(ActivityStatus: string, ActivityStatusValue: string, ActivitySubstatus: string, ActivitySubstatusValue: string,
    Authorization: string, Authorization_d: dynamic, Caller: string, CallerIpAddress: string, Category: string, CategoryValue: string,
    Claims: string, Claims_d: dynamic, CorrelationId: string, EventDataId: string, EventSubmissionTimestamp: datetime, Hierarchy: string,
    HTTPRequest: string, Level: string, OperationId: string, OperationName: string, OperationNameValue: string, Properties: string,
    Properties_d: dynamic, Resource: string, ResourceGroup: string, ResourceId: string, _ResourceId: string, ResourceProvider: string,
    ResourceProviderValue: string, SourceSystem: string, SubscriptionId: string, _SubscriptionId: string, TenantId: string,
    TimeGenerated: datetime, Type: string, _BilledSize: real, _IsBillable: string)`,
  traces: `(timestamp: datetime, message: string, severityLevel: int, operation_Name: string, cloud_RoleName: string,
    customDimensions: dynamic, itemType: string)`,
  AppTraces: `(TimeGenerated: datetime, Message: string, SeverityLevel: int, OperationName: string, AppRoleName: string,
    Properties: dynamic, Type: string)`,
  AppRequests: `(TimeGenerated: datetime, Name: string, Success: bool, ResultCode: string, DurationMs: real, OperationName: string,
    AppRoleName: string, Properties: dynamic, Type: string)`,
  StorageBlobLogs: `(TimeGenerated: datetime, AccountName: string, OperationName: string, StatusCode: string, StatusText: string,
    CallerIpAddress: string, AuthenticationType: string, RequesterObjectId: string, RequesterAppId: string, Uri: string, Type: string)`,
  CDBDataPlaneRequests: `(TimeGenerated: datetime, AccountName: string, DatabaseName: string, CollectionName: string, OperationName: string,
    StatusCode: int, AadPrincipalId: string, ClientIpAddress: string, RequestCharge: real, Type: string)`,
  AZKVAuditLogs: `(TimeGenerated: datetime, OperationName: string, ResultType: string, _ResourceId: string, Identity: dynamic,
    CallerIpAddress: string, CorrelationId: string, HttpStatusCode: int, RequestUri: string, Type: string)`,
};

function load(folder) {
  // Scripts for a page, not modules: they leave Bridge and Kusto in the global object.
  for (const file of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
    vm.runInThisContext(fs.readFileSync(path.join(folder, file), "utf8"), { filename: file });
  }
  const { TableSymbol, DatabaseSymbol } = Kusto.Language.Symbols;
  const known = Object.entries(tables).map(([name, columns]) => TableSymbol.From(columns).WithName(name));
  return Kusto.Language.GlobalState.Default.WithDatabase(new DatabaseSymbol.ctor("workspace", known));
}

function problems(query, globals) {
  const diagnostics = Kusto.Language.KustoCode.ParseAndAnalyze(query.text, globals).GetDiagnostics();
  const found = [];
  for (let i = 0; i < diagnostics.Count; i++) {
    const d = diagnostics.getItem(i);
    const line = query.text.slice(0, d.Start).split("\n").length;
    found.push({ name: query.name, line, code: d.Code, message: d.Message });
  }
  return found;
}

try {
  const globals = load(process.argv[2]);
  const queries = JSON.parse(fs.readFileSync(0, "utf8"));
  process.stdout.write(JSON.stringify(queries.flatMap((q) => problems(q, globals))) + "\n");
} catch (error) {
  // Node would print the line of the package that threw, which is all of its megabytes.
  process.stderr.write(`check.js: ${error.message}\n`);
  process.exit(1);
}
