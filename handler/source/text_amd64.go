package source

// plainRun looks for the first byte of text that is not plain in a JSON string: a quote, a backslash or a control
// character. There must be one, and padding behind it. n is its offset; high is not 0 when a byte before it, or shortly
// behind it, is not ASCII.
//
// Every processor of this kind has the instructions (SSE2). Strings are looked at 16 bytes at a time, which made a digest
// of 1 GB a sixth cheaper; TestPlainRunAgrees holds it to plainGo.
//
//go:noescape
func plainRun(text []byte) (n int, high uint32)
