// Command handler stands in for the real one: small, so that tests of the staging build it in no time.
package main

import "fmt"

var version = "unset"

func main() { fmt.Println(version, 2) }
