package digest

import "strings"

// Masthead is what the operator wants to stand on the document.
type Masthead struct {
	Organisation   string `json:"organisation,omitempty"`
	Classification string `json:"classification,omitempty"`
	PreparedBy     string `json:"prepared_by,omitempty"`
	ReviewedBy     string `json:"reviewed_by,omitempty"`
}

// Names are names of subscriptions, principals and apps by their id, in lower case.
type Names map[string]string

// named is an id with its name where that is known: the id stays beside it.
func (r *Report) named(id string) any {
	if name := r.Names[strings.ToLower(id)]; name != "" {
		return Named{name, id}
	}
	return ID(orUnknown(id))
}

// who is a caller: an address as it is, an id with its name.
func (r *Report) who(caller string) any {
	if strings.Contains(caller, "@") {
		return caller
	}
	return r.named(caller)
}
