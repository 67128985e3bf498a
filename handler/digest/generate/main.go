// Command generate writes a month of made-up Activity Log records as JSON Lines, for benchmarks and demonstrations:
// as many bytes as asked for, the same bytes for the same seed.
//
//	go run ./handler/digest/generate -bytes 1GB -seed 1 -o month.jsonl
//
// The records are realistic in shape and size and describe no one. Not for tests: those use package digesttest itself.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/auditbell/auditbell/handler/digest/digesttest"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(2)
	}
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("generate", flag.ContinueOnError)
	size := flags.String("bytes", "100MB", "about how many bytes to write: 500KB, 100MB, 4GB")
	seed := flags.Uint64("seed", 1, "the same seed makes the same records")
	form := flags.String("form", "rest", "rest: items of the REST API's list; records: the resource-log schema of storage and Event Hubs")
	out := flags.String("o", "-", "file to write; - is standard output")
	if err := flags.Parse(args); err != nil {
		return err
	}
	n, err := parseBytes(*size)
	if err != nil {
		return err
	}
	write := map[string]func([]byte, digesttest.Record) []byte{"rest": digesttest.AppendREST, "records": digesttest.AppendRecord}[*form]
	if write == nil {
		return fmt.Errorf("unknown form %q: use rest or records", *form)
	}
	w := stdout
	if *out != "-" {
		file, err := os.Create(*out)
		if err != nil {
			return err
		}
		defer file.Close()
		w = file
	}
	return generate(w, n, *seed, write)
}

// bytesPerOperation is about what one operation's records take together; it spreads the operations over the window.
const bytesPerOperation = 8200

func generate(w io.Writer, size int64, seed uint64, write func([]byte, digesttest.Record) []byte) error {
	out := bufio.NewWriterSize(w, 1<<20)
	g := digesttest.New(digesttest.Options{Seed: seed, Operations: int(size/bytesPerOperation) + 1})
	var line []byte
	for written := int64(0); ; {
		r, ok := g.Next()
		if !ok {
			break
		}
		line = append(write(line[:0], r), '\n')
		if written += int64(len(line)); written > size && size > int64(len(line)) {
			break
		}
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return out.Flush()
}

func parseBytes(s string) (int64, error) {
	unit := int64(1)
	number := strings.ToUpper(strings.TrimSpace(s))
	for suffix, factor := range map[string]int64{"KB": 1e3, "MB": 1e6, "GB": 1e9} {
		if cut, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = cut, factor
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%q is not a size such as 500KB, 100MB or 4GB", s)
	}
	return int64(n * float64(unit)), nil
}
