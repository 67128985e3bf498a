// Command empty is the smallest Go program that answers HTTP: what a start is measured against.
package main

import (
	"net/http"
	"os"
)

func main() {
	_ = http.ListenAndServe("127.0.0.1:"+os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"), http.NotFoundHandler())
}
