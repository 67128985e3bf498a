package cosmos_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/infra"
	"github.com/auditbell/auditbell/local/cosmos"
)

// childDir makes the test binary a program that only writes items into this folder and prints the id of every item
// that was acknowledged, until it is killed.
const childDir = "COSMOS_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := writeForEver(context.Background(), dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForEver writes from several goroutines, single items and batches.
func writeForEver(ctx context.Context, dir string) error {
	s, err := cosmos.Open(ctx, cosmos.Options{Dir: dir})
	if err != nil {
		return err
	}
	layout, err := infra.ReadCosmos()
	if err != nil {
		return err
	}
	if err := s.Provision(ctx, layout); err != nil {
		return err
	}
	cred, err := azcosmos.NewKeyCredential(accountKey)
	if err != nil {
		return err
	}
	client, err := azcosmos.NewClientWithKey("http://cosmos.local/", cred, options(s))
	if err != nil {
		return err
	}
	c, err := client.NewContainer(layout.Database, "alerts")
	if err != nil {
		return err
	}
	failed := make(chan error)
	acknowledged := make(chan string)
	for writer := range 8 {
		go func() { failed <- writeItems(ctx, c, writer, acknowledged) }()
	}
	for {
		select {
		case id := <-acknowledged:
			fmt.Println(id)
		case err := <-failed:
			return err
		}
	}
}

func writeItems(ctx context.Context, c *azcosmos.ContainerClient, writer int, acknowledged chan<- string) error {
	for i := 0; ; i++ {
		id := fmt.Sprintf("w%d-%d", writer, i)
		if writer%2 == 0 {
			if got := create(ctx, c, id); got != "ok" {
				return errors.New(got)
			}
			acknowledged <- id
			continue
		}
		b := c.NewTransactionalBatch(group)
		b.CreateItem([]byte(`{"id":"`+id+`","pk":"g"}`), nil)
		b.CreateItem([]byte(`{"id":"`+id+`-b","pk":"g"}`), nil)
		r, err := c.ExecuteTransactionalBatch(ctx, b, nil)
		if err != nil || !r.Success {
			return fmt.Errorf("batch %s: %v %v", id, r.OperationResults, err)
		}
		acknowledged <- id
	}
}

// A process that is killed while it writes loses nothing that it had acknowledged, and keeps no half of a batch.
func TestKilledProcessKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	acknowledged := writeUntilKilled(t, dir, 300)
	s := open(t, cosmos.Options{Dir: dir})
	c := alerts(t, s, "http://cosmos.local/", s)
	stored := ids(t, c)
	for _, id := range acknowledged {
		if !stored[id] {
			t.Errorf("%s was acknowledged and is gone", id)
		}
	}
	for id := range stored {
		if first, isSecond := strings.CutSuffix(id, "-b"); isSecond && !stored[first] || isFirst(id) && !stored[id+"-b"] {
			t.Errorf("%s is half of a batch", id)
		}
	}
	if got := create(t.Context(), c, "after"); got != "ok" {
		t.Errorf("write after reopening: %s", got)
	}
}

// isFirst tells the first item of a batch: writers with an odd number write batches.
func isFirst(id string) bool {
	writer, err := strconv.Atoi(id[1:2])
	return err == nil && writer%2 == 1 && !strings.HasSuffix(id, "-b")
}

// writeUntilKilled starts the child, kills it after some acknowledgements and returns all it printed.
func writeUntilKilled(t *testing.T, dir string, enough int) []string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), exe)
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var seen []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		seen = append(seen, lines.Text())
		if len(seen) == enough {
			if err := child.Process.Kill(); err != nil { // SIGKILL: no handler, no flush
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // it was killed; that is no error here
	if len(seen) < enough {
		t.Fatalf("the child wrote %d items and stopped by itself", len(seen))
	}
	return seen
}

func ids(t *testing.T, c *azcosmos.ContainerClient) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	pager := c.NewQueryItemsPager("SELECT VALUE c.id FROM c", group, nil)
	for pager.More() {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			out[strings.Trim(string(item), `"`)] = true
		}
	}
	return out
}

// What was there before a restart goes on as if nothing had happened: ETags hold, versions are not numbered twice,
// throughput, time to live and unique keys stand.
func TestReopen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx := t.Context()
	clock := newClock()
	s, err := cosmos.Open(ctx, cosmos.Options{Dir: dir, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	c := alerts(t, s, "http://cosmos.local/", s)
	first, err := c.CreateItem(ctx, group, []byte(`{"id":"a","pk":"g"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateItem(ctx, group, []byte(`{"id":"brief","pk":"g","ttl":60}`), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := create(ctx, c, "late"); !strings.Contains(got, "closed") {
		t.Errorf("request after Close: got %s, want an error that says so", got)
	}

	clock.Advance(61e9)
	s = open(t, cosmos.Options{Dir: dir, Now: clock.Now})
	c = alerts(t, s, "http://cosmos.local/", s)
	if there(t, c, "brief") {
		t.Error("an item outlived its time to live across a restart")
	}
	second, err := c.ReplaceItem(ctx, group, "a", []byte(`{"id":"a","pk":"g","n":1}`), &azcosmos.ItemOptions{IfMatchEtag: &first.ETag})
	if err != nil {
		t.Fatalf("replace with the ETag from before: %v", err)
	}
	if second.ETag == first.ETag {
		t.Errorf("two versions have the ETag %s", first.ETag)
	}
}

// Provision can be repeated; it follows the layout where it may change and refuses where it may not.
func TestProvision(t *testing.T) {
	t.Parallel()
	s := open(t, cosmos.Options{})
	layout := infra.Cosmos{Database: "d", Containers: []infra.Container{{
		Name: "c", PartitionKeyPath: "/pk", DefaultTTLSeconds: 60, IncludedPaths: []string{"/pk/?"}, ExcludedPaths: []string{"/*"},
	}}}
	for _, ttl := range []int32{60, 60, -1} {
		layout.Containers[0].DefaultTTLSeconds = ttl
		if err := s.Provision(t.Context(), layout); err != nil {
			t.Fatalf("ttl %d: %v", ttl, err)
		}
	}
	c, err := client(t, "http://cosmos.local/", accountKey, s).NewContainer("d", "c")
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Read(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := *r.ContainerProperties.DefaultTimeToLive; got != -1 {
		t.Errorf("default time to live: got %d, want the latest, -1", got)
	}
	layout.Containers[0].PartitionKeyPath = "/other"
	if err := s.Provision(t.Context(), layout); err == nil {
		t.Error("another partition key was accepted for an existing container")
	}
}

// With a folder, memory does not follow the amount of data. SQLite's memory is outside Go's heap, hence the look at
// the process as a whole.
func TestMemoryDoesNotFollowTheData(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector's own memory would be measured: run without -short and -race")
	}
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	s := open(t, cosmos.Options{Dir: quickFolder(t)})
	c := alerts(t, s, "http://cosmos.local/", s)
	padding := strings.Repeat("x", 16<<10)
	write := func(from, to int) { // in steps of 100, one batch each
		for ; from < to; from += 100 {
			b := c.NewTransactionalBatch(group)
			for i := range 100 {
				b.CreateItem(fmt.Appendf(nil, `{"id":"i%d","pk":"g","text":%q}`, from+i, padding), nil)
			}
			if r, err := c.ExecuteTransactionalBatch(t.Context(), b, nil); err != nil || !r.Success {
				t.Fatal(err, r.OperationResults)
			}
		}
		runtime.GC()
	}
	write(0, 500) // 8 MB: caches are warm
	before := resident(t)
	write(500, 4000) // 56 MB more
	if grown := resident(t) - before; grown > 20<<20 {
		t.Errorf("56 MB of items made the process grow by %d MB", grown>>20)
	}
}

// quickFolder is a folder in memory where there is one, for tests that are about files and not about the disk: with
// several test binaries at work, flushing dominates their time.
func quickFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "cosmos-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// resident is how many bytes of memory the process uses.
func resident(t *testing.T) int {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(raw))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
