// Package app stands in for the real one: its routes are read, not run.
package app

var routes = map[string]func(){
	"notify": nil,
	"tick":   nil,
}
