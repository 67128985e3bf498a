package activity

// AdministrativeFacts is how Azure Resource Manager was asked and what it answered (schema page, "Administrative
// category"). Policy events, and the older export's records of all categories, have part of it.
type AdministrativeFacts struct {
	Authorization Authorization
	Request       HTTPRequest
	StatusCode    string // "Created", "Forbidden": the answer's status by name
	StatusMessage string // plain words or JSON text: what Resource Manager says about a failure
	ServiceID     string // serviceRequestId: what Microsoft's support asks for
	EventName     string // "BeginRequest", "EndRequest"
	Entity        string // resource id as newer records repeat it
	RequestBody   Properties
	ResponseBody  Properties
}

// Authorization is the access check that let the caller in: the role assignment is the evidence.
type Authorization struct {
	Action, Scope       string
	Role                string // name of the role; older events have it beside the evidence
	RoleAssignmentID    string // GUIDs without hyphens in some forms
	RoleAssignmentScope string
	RoleDefinitionID    string
	PrincipalID         string // who holds the role; a group when the caller is a member
	PrincipalType       string // "User", "ServicePrincipal", "Group"
	SubscriptionAdmin   bool   // a classic administrator, who needs no role assignment
	ThroughGroup        bool   // the role is held by a group that the caller is a member of
}

// HTTPRequest is the request that Resource Manager got.
type HTTPRequest struct {
	Method, URL, ClientIP, ClientRequestID string
}

// AdministrativeOf returns the facts of an Administrative event; false for events of another category.
func AdministrativeOf(e Event) (AdministrativeFacts, bool) {
	if e.Category != Administrative {
		return AdministrativeFacts{}, false
	}
	p := e.Properties
	return AdministrativeFacts{
		Authorization: AuthorizationOf(e),
		Request:       requestOf(e),
		StatusCode:    p.Text("statusCode"),
		StatusMessage: textOrJSON(p, "statusMessage"),
		ServiceID:     p.Text("serviceRequestId"),
		EventName:     p.Text("eventName"),
		Entity:        p.Text("entity"),
		RequestBody:   members(p.Value("requestbody")), // requestbody here, requestBody there (facts: payload variations)
		ResponseBody:  members(p.Value("responseBody")),
	}, true
}

// AuthorizationOf returns the access check of any event that has one.
func AuthorizationOf(e Event) Authorization {
	p := Properties(e.Properties.Value("authorization"))
	evidence := Properties(p.Value("evidence"))
	a := Authorization{
		Action:              p.Text("action"),
		Scope:               p.Text("scope"),
		Role:                evidence.Text("role"),
		RoleAssignmentID:    evidence.Text("roleAssignmentId"),
		RoleAssignmentScope: evidence.Text("roleAssignmentScope"),
		RoleDefinitionID:    evidence.Text("roleDefinitionId"),
		PrincipalID:         evidence.Text("principalId"),
		PrincipalType:       evidence.Text("principalType"),
	}
	if a.Role == "" {
		a.Role = p.Text("role")
	}
	a.SubscriptionAdmin = a.Role == "Subscription Admin"
	a.ThroughGroup = a.PrincipalType == "Group"
	return a
}

// requestOf reads httpRequest; SDK dumps write client_ip_address. The caller's address is the event's own where the
// form keeps it elsewhere.
func requestOf(e Event) HTTPRequest {
	p := Properties(e.Properties.Value("httpRequest"))
	r := HTTPRequest{
		Method:          p.Text("method"),
		URL:             p.Any("url", "uri"),
		ClientIP:        p.Any("clientIpAddress", "client_ip_address"),
		ClientRequestID: p.Any("clientRequestId", "client_request_id"),
	}
	if r.ClientIP == "" {
		r.ClientIP = e.CallerIP
	}
	return r
}

// textOrJSON returns the named member as text, or as JSON when it is an object or an array.
func textOrJSON(p Properties, name string) string {
	if s := p.Text(name); s != "" {
		return s
	}
	raw := p.Value(name)
	if len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') {
		return string(raw)
	}
	return ""
}
