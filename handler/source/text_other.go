//go:build !amd64

package source

// plainRun looks for the first byte of text that is not plain in a JSON string: a quote, a backslash or a control
// character. There must be one, and padding behind it. n is its offset; high is not 0 when a byte before it, or shortly
// behind it, is not ASCII.
func plainRun(text []byte) (n int, high uint32) { return plainGo(text) }
