package activity

import "strings"

// Field returns the field with the given JSON name as text, "properties.a.b" reaching into the properties; "" when
// the event does not tell it or has no such field.
func (e *Event) Field(name string) string {
	if path, ok := strings.CutPrefix(name, "properties."); ok {
		return e.Properties.Text(strings.Split(path, ".")...)
	}
	switch name {
	case "id":
		return e.ID
	case "category":
		return string(e.Category)
	case "level":
		return string(e.Level)
	case "operation":
		return e.Operation
	case "outcome":
		return string(e.Outcome)
	case "sub_status":
		return e.SubStatus
	case "caller":
		return e.Caller
	case "caller_type":
		return string(e.CallerType)
	case "caller_name":
		return e.CallerName
	}
	return e.place(name)
}

// place is the part of Field about where and under which ids the event happened.
func (e *Event) place(name string) string {
	switch name {
	case "caller_object_id":
		return e.CallerObjectID
	case "caller_app_id":
		return e.CallerAppID
	case "caller_ip":
		return e.CallerIP
	case "tenant_id":
		return e.TenantID
	case "subscription_id":
		return e.SubscriptionID
	case "resource_id":
		return e.ResourceID
	case "resource_type":
		return e.ResourceType
	case "resource_group":
		return e.ResourceGroup
	case "resource_name":
		return e.ResourceName
	case "correlation_id":
		return e.CorrelationID
	case "operation_id":
		return e.OperationID
	case "event_id":
		return e.EventID
	case "description":
		return e.Description
	}
	return ""
}

// TenantScope is the tenant id for events that happened above any subscription, "" for all others: the same
// operation's records name the tenant in some forms and not in others, so it must not tell them apart.
func (e *Event) TenantScope() string {
	if e.SubscriptionID != "" {
		return ""
	}
	return e.TenantID
}
