package digest

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/auditbell/auditbell/handler/source"
)

func TestKeySetKeepsEveryKey(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	var set keySet
	want := map[source.Key]byte{}
	for i := range 200_000 {
		var k source.Key
		binary.BigEndian.PutUint64(k[:8], rng.Uint64())
		k[8] = byte(rng.Uint32())
		switch i % 10 {
		case 0: // keys that differ in their last bytes only
			k = source.Key{7: byte(i >> 4), 8: byte(i)}
		case 1: // one that was there before
			for k = range want {
				break
			}
		case 2: // all in one place at the end of one of five parts; each key pushes those behind it
			k = source.Key{0xfb + byte(i/10%5), 0xff, 0xff, 0xff, 0xff, 0xff, byte(i >> 16), byte(i >> 8), byte(i)}
		}
		b := set.at(k)
		if *b != want[k] {
			t.Fatalf("key %d: byte %d, want %d", i, *b, want[k])
		}
		*b = byte(i%255) + 1
		want[k] = *b
	}
	if set.n != len(want) {
		t.Errorf("%d keys, want %d", set.n, len(want))
	}
	for k, value := range want {
		if have := *set.at(k); have != value {
			t.Errorf("%x has %d, want %d", k, have, value)
		}
	}
	if all := 0; set.n != len(want) {
		t.Errorf("%d keys, want %d", set.n, len(want))
	} else if set.values(func(byte) { all++ }); all != len(want) {
		t.Errorf("%d values, want %d", all, len(want))
	}
}

// TestKeySetIsSmall holds the memory to what the package says.
func TestKeySetIsSmall(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 2))
	var set keySet
	for i := range 300_000 {
		var k source.Key
		binary.BigEndian.PutUint64(k[:8], rng.Uint64())
		k[8] = byte(rng.Uint32())
		*set.at(k) = 1
		if i < 200_000 || i%1000 != 0 {
			continue
		}
		slots := 0
		for p := range set.parts {
			slots += len(set.parts[p].slots)
		}
		if perKey := float64(slots*9) / float64(set.n); perKey > 12 {
			t.Fatalf("%.1f bytes for each of %d keys, want less than 12", perKey, set.n)
		}
	}
}

func BenchmarkKeySet(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 3))
	keys := make([]source.Key, 1<<20)
	for i := range keys {
		binary.BigEndian.PutUint64(keys[i][:8], rng.Uint64())
		keys[i][8] = byte(rng.Uint32())
	}
	for b.Loop() {
		var set keySet
		for _, k := range keys {
			*set.at(k) = 1
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(keys)), "ns/key")
}
