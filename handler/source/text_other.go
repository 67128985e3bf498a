//go:build !amd64

package source

// plainRun looks from data[i] on for the first byte that is not plain in a JSON string: a quote, a backslash or a control
// character. There must be one, and padding behind it. n is its distance; high is not 0 when a byte before it, or shortly
// behind it, is not ASCII.
func plainRun(data []byte, i int) (n int, high uint32) { return plainGo(data[i:]) }
