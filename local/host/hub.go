package host

import (
	"errors"
	"sync"
	"time"
)

// Hubs are event hubs, one for each function that reads one, and the storage in which hosts keep who reads a partition and how
// far: all that outlives a host and that several hosts share. The zero value is ready; what is in it ends with the process.
type Hubs struct {
	Partitions int           // of each hub; 0: 4
	Lease      time.Duration // how long a partition belongs to a host that is not heard of; 0: 30 s, as in host.json (partitionOwnershipExpirationInterval)

	mu      sync.Mutex
	by      map[string]*hub
	changed chan struct{}    // closed and replaced at each change
	now     func() time.Time // nil: time.Now
}

// hub is what one function reads.
type hub struct {
	partitions []*partition
	next       int                  // of the partitions, which gets what comes next
	readers    map[string]time.Time // hosts, and until when each is taken to be alive
}

// partition holds messages from its checkpoint on. What was read is forgotten: no reader of ours goes back.
type partition struct {
	checkpoint int // messages before it
	messages   []string
	owner      string // host that reads it
	until      time.Time
	senders    []*sending
}

// sending is what one request put into a partition.
type sending struct {
	first, end int // sequence numbers
	done       chan struct{}
	err        error // of the batches that held its messages; read after done
}

// of returns a function's hub. h.mu is held, as for everything below that says nothing else.
func (h *Hubs) of(function string) *hub {
	if h.by == nil {
		h.by, h.changed = map[string]*hub{}, make(chan struct{})
	}
	if h.by[function] == nil {
		one := &hub{readers: map[string]time.Time{}}
		for range h.partitions() {
			one.partitions = append(one.partitions, &partition{})
		}
		h.by[function] = one
	}
	return h.by[function]
}

func (h *Hubs) partitions() int {
	if h.Partitions > 0 {
		return h.Partitions
	}
	return 4
}

func (h *Hubs) lease() time.Duration {
	if h.Lease > 0 {
		return h.Lease
	}
	return 30 * time.Second
}

func (h *Hubs) time() time.Time {
	if h.now != nil {
		return h.now()
	}
	return time.Now()
}

func (h *Hubs) wake() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// put puts messages into the next partition of a function's hub, in their order. It locks h.
func (h *Hubs) put(function string, messages []string) *sending {
	h.mu.Lock()
	defer h.mu.Unlock()
	to := h.of(function)
	p := to.partitions[to.next]
	to.next = (to.next + 1) % len(to.partitions)
	first := p.checkpoint + len(p.messages)
	s := &sending{first: first, end: first + len(messages), done: make(chan struct{})}
	p.messages = append(p.messages, messages...)
	p.senders = append(p.senders, s)
	p.report()
	h.wake()
	return s
}

// claim says that a host is there, keeps its partitions for it, and takes what it should have besides: those of hosts that were
// not heard of for a lease, and one of a host that has more than its part. changed is closed when there may be more. It locks h.
func (h *Hubs) claim(function, host string) (changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := h.time(); h.of(function).claim(host, now, now.Add(h.lease())) {
		h.wake()
	}
	return h.changed
}

func (h *hub) claim(host string, now, until time.Time) (changed bool) {
	h.readers[host] = until
	for reader, alive := range h.readers {
		if !now.Before(alive) {
			delete(h.readers, reader)
		}
	}
	part := (len(h.partitions) + len(h.readers) - 1) / len(h.readers)
	owned := map[string][]*partition{}
	for _, p := range h.partitions {
		if p.owner == host {
			p.until = until
		}
		if p.owner != "" && !now.Before(p.until) {
			p.owner = ""
		}
		owned[p.owner] = append(owned[p.owner], p)
	}
	take := func(p *partition) {
		p.owner, p.until, changed = host, until, true
		owned[host] = append(owned[host], p)
	}
	for _, p := range owned[""] {
		if len(owned[host]) < part {
			take(p)
		}
	}
	for _, p := range h.partitions { // one at a time; the host that loses it may be at work on it
		if len(owned[p.owner]) > len(owned[host])+1 {
			take(p)
			break
		}
	}
	return changed
}

// reading is what a host reads for a function.
type reading struct {
	function  string
	partition int
	host      string
}

// read returns what a host is to read next of a partition: nothing unless the partition is its own. It locks h.
func (h *Hubs) read(by reading, most int) (batch []string, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.of(by.function).partitions[by.partition]; p.owner == by.host {
		batch = p.messages[:min(most, len(p.messages))]
	}
	return batch, h.changed
}

// owns reports whether a partition is still the host's. It locks h.
func (h *Hubs) owns(by reading) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.of(by.function).partitions[by.partition].owner == by.host
}

// advance moves the checkpoint behind a batch that a host has read, whatever came of it; the partition must still be its own.
// It locks h.
func (h *Hubs) advance(by reading, read int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.of(by.function).partitions[by.partition]
	if p.owner != by.host {
		return // another host reads the same messages by now
	}
	for _, s := range p.senders {
		if s.first < p.checkpoint+read {
			s.err = errors.Join(s.err, err)
		}
	}
	p.checkpoint, p.messages = p.checkpoint+read, p.messages[read:]
	p.report()
	h.wake()
}

// report ends the sendings of which everything was read.
func (p *partition) report() {
	for len(p.senders) > 0 && p.senders[0].end <= p.checkpoint {
		close(p.senders[0].done)
		p.senders = p.senders[1:]
	}
}
