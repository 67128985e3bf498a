package cosmos

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Feeds on the wire:
//
//	GET /dbs/d/colls/c/docs                            all items, in pages
//	GET /dbs/d/colls/c/docs, A-IM: Incremental Feed    the change feed
//
// Both answer {"_rid", "Documents": [...], "_count"}. Pages of the first go on with x-ms-continuation, of the second with
// If-None-Match and the ETag of the page before.

// readFeed answers GET on a container's documents: the change feed when the A-IM header asks for it, else all items.
func (s *Server) readFeed(ctx context.Context, in call) (reply, error) {
	c, err := s.catalog.container(in.database, in.container)
	if err != nil {
		return reply{}, err
	}
	if err := s.checkSession(in); err != nil {
		return reply{}, err
	}
	if mode := in.header("A-Im"); mode != "" {
		return s.readChanges(ctx, in, c, mode)
	}
	p, err := s.page(in, c, &everyItem)
	if err != nil {
		return reply{}, err
	}
	return s.runPage(ctx, p)
}

// readChanges answers the change feed in latest-version mode (learn.microsoft.com/azure/cosmos-db/change-feed-modes):
// every item once, with its newest version, in the order of last modification; deletions do not show. The position
// is the sequence number in the ETag; 304 means that there is nothing new.
func (s *Server) readChanges(ctx context.Context, in call, c *container, mode string) (reply, error) {
	if !strings.EqualFold(mode, "Incremental Feed") {
		return reply{}, badRequest(fmt.Sprintf("The change feed mode %q is not served; latest version only.", mode))
	}
	from, err := s.changePosition(in)
	if err != nil {
		return reply{}, err
	}
	size, err := in.pageSize()
	if err != nil {
		return reply{}, err
	}
	want := span{seq: from.after, ts: from.since, now: s.now().Unix(), limit: size}
	if header := in.header("X-Ms-Documentdb-Partitionkey"); header != "" {
		want.partition = true
		if want.pk, err = c.key.ofHeader(header); err != nil {
			return reply{}, err
		}
	}
	var rows []row
	err = s.store.read(ctx, func(r *session) (err error) {
		rows, err = c.table.changed(r, want)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return s.changesReply(c, rows, from.after), nil
}

// changePosition is where a reader of the change feed wants to go on.
type changePosition struct{ after, since int64 }

// changePosition reads the headers: If-None-Match goes on from an ETag (or, with *, from now), If-Modified-Since starts
// at a time, neither starts at the beginning.
func (s *Server) changePosition(in call) (changePosition, error) {
	var p changePosition
	if etag := in.header("If-None-Match"); etag == "*" {
		return changePosition{after: s.store.newest.Load()}, nil
	} else if etag != "" {
		n, err := strconv.ParseInt(strings.Trim(etag, `"`), 10, 64)
		if err != nil {
			return p, badRequest(fmt.Sprintf("The change feed continuation %s is invalid.", etag))
		}
		return changePosition{after: n}, nil
	}
	if since := in.header("If-Modified-Since"); since != "" {
		// azcosmos v1.5.0 writes RFC 1123 with "UTC", HTTP wants "GMT".
		t, err := time.Parse(time.RFC1123, since)
		if err != nil {
			return p, badRequest(fmt.Sprintf("The date %q is invalid.", since))
		}
		p.since = t.Unix()
	}
	return p, nil
}

// changesReply makes a page of changes. Its ETag is the place after the last item that fitted, also when nothing did.
func (s *Server) changesReply(c *container, rows []row, after int64) reply {
	page := pageBody{rid: c.rid()}
	for _, r := range rows {
		// Items of the change feed carry the sequence number of their change.
		item := r.body[:len(r.body)-1] + `,"_lsn":` + strconv.FormatInt(r.seq, 10) + "}"
		if !page.add([]byte(item)) {
			break
		}
		page.charge += readCharge(len(r.body))
		after = r.seq
	}
	out := reply{
		status: http.StatusNotModified, etag: `"` + strconv.FormatInt(after, 10) + `"`,
		charge: max(missCharge, page.charge), lsn: s.store.newest.Load(),
	}
	if page.count > 0 {
		out.status, out.body, out.isFeed, out.count = http.StatusOK, page.bytes(), true, page.count
	}
	return out
}

// pageBody collects {"_rid":…,"Documents":[…],"_count":…} up to the 4 MB that an answer may have.
type pageBody struct {
	rid    string
	docs   []byte
	count  int
	charge float64
}

// add appends one item; it reports false when the item does not fit any more. One item always fits.
func (p *pageBody) add(item []byte) bool {
	if p.count > 0 && len(p.docs)+len(item) > maxPageBytes-1024 {
		return false
	}
	if p.count > 0 {
		p.docs = append(p.docs, ',')
	}
	p.docs = append(p.docs, item...)
	p.count++
	return true
}

// bytes closes the page. An empty one has an empty list, not null.
func (p *pageBody) bytes() []byte {
	out := make([]byte, 0, len(p.docs)+len(p.rid)+64)
	out = append(append(append(out, `{"_rid":"`...), p.rid...), `","Documents":[`...)
	out = append(append(out, p.docs...), `],"_count":`...)
	return append(strconv.AppendInt(out, int64(p.count), 10), '}')
}
