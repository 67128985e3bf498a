package main

var routes = map[string]func(){
	"ring": nil,
	"tick": nil,
}
