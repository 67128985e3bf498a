package simulation

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/auditbell/auditbell/local/simulation/oracle"
)

var seedFlag = flag.Uint64("seed", 0, "run this seed alone and print its trace")

func TestOne(t *testing.T) {
	if *seedFlag == 0 {
		t.Skip("for a person: -seed N")
	}
	begun := time.Now()
	out := Run(t, NewPlan(*seedFlag, HubRetry{}), true)
	took := time.Since(begun)
	os.WriteFile("/tmp/trace.txt", []byte(out.Trace), 0o600)
	fmt.Println(len(out.Plan.Acts), "acts", out.Steps, "steps", out.Requests, "requests", took, out.Err, out.Plan.Moves)
	for _, v := range out.Plan.Troubles {
		fmt.Println(v)
	}
	for _, v := range out.Violations {
		fmt.Println(v)
	}
}

func TestTwice(t *testing.T) {
	for seed := uint64(1); seed <= 12; seed++ {
		a, b := Run(t, NewPlan(seed, HubRetry{}), true), Run(t, NewPlan(seed, HubRetry{}), true)
		t.Log(seed, len(a.Plan.Acts), a.Steps, a.Hash == b.Hash, a.Err, b.Err)
		if a.Hash != b.Hash {
			os.WriteFile("/tmp/a.txt", []byte(a.Trace), 0o600)
			os.WriteFile("/tmp/b.txt", []byte(b.Trace), 0o600)
			t.Fatal("differ")
		}
	}
}

func TestMessages(t *testing.T) {
	if *seedFlag == 0 {
		t.Skip()
	}
	dump = func(m oracle.Message) { fmt.Println(m.At.Format("02 15:04:05"), m.Channel, m.Kind, m.Ref, "|", m.Text) }
	Run(t, NewPlan(*seedFlag, HubRetry{}), false)
}
