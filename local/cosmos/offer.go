package cosmos

import (
	"context"
	"net/http"
	"strconv"
)

// Throughput on the wire, as azcosmos v1.5.0 asks for it:
//
//	POST /offers {"query": "SELECT * FROM c WHERE c.offerResourceId = '<_rid of the owner>'"}  → {"Offers": [...]}
//	GET  /offers/{id}   → {"content": {"offerThroughput": 400}, "offerResourceId", "id", "_self", ...}
//	PUT  /offers/{id}   the same with another content

// An offer is the throughput of a database or container (learn.microsoft.com/rest/api/cosmos-db/offers). It is kept
// and shown; nothing here is throttled by it.

// standardOffer is what a container gets when neither it nor its database asks for throughput.
const standardOffer = `{"offerThroughput":400}`

// throughput reads the headers with which a create request asks for throughput, as the content of an offer.
func (c *call) throughput() (string, error) {
	if text := c.header("X-Ms-Offer-Throughput"); text != "" {
		units, err := strconv.Atoi(text)
		if err != nil || units < 400 || units%100 != 0 {
			return "", badRequest("The offer should have a throughput of at least 400, in steps of 100.")
		}
		return string(appendJSON(nil, value{kind: object}.with("offerThroughput", numberOf(float64(units))))), nil
	}
	if text := c.header("X-Ms-Cosmos-Offer-Autopilot-Settings"); text != "" {
		settings, err := decodeJSON(text)
		if err != nil {
			return "", err
		}
		return offerContent(value{kind: object}.with("offerAutopilotSettings", settings))
	}
	return "", nil
}

// offerContent checks the content of an offer.
func offerContent(content value) (string, error) {
	manual := content.member("offerThroughput")
	most := content.member("offerAutopilotSettings").member("maxThroughput")
	switch {
	case manual.isWhole() && manual.num >= 400, most.isWhole() && most.num >= 1000:
		return string(appendJSON(nil, content)), nil
	}
	return "", badRequest("The offer needs at least 400 RU/s, or at least 1000 RU/s of autoscale maximum.")
}

// offerOf shows an offer. Its resource id is that of its owner with a mark before it, so that the owner is found again.
func offerOf(ownerRID, ownerLink, content string, ts int64) (value, error) {
	v, err := decodeJSON(content)
	if err != nil {
		return value{}, err
	}
	return value{kind: object}.
		with("offerVersion", textOf("V2")).
		with("offerType", textOf("Invalid")).
		with("content", v).
		with("resource", textOf(ownerLink)).
		with("offerResourceId", textOf(ownerRID)).
		with("id", textOf(offerMark+ownerRID)).
		with("_rid", textOf(offerMark+ownerRID)).
		with("_self", textOf("offers/"+offerMark+ownerRID+"/")).
		with("_etag", textOf(etagOf(0, 0, ts))).
		with("_ts", numberOf(float64(ts))), nil
}

const offerMark = "of-"

// offers lists what has throughput of its own.
func (c *catalog) offers() ([]value, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var out []value
	add := func(rid, link, content string, ts int64) error {
		if content == "" {
			return nil
		}
		v, err := offerOf(rid, link, content, ts)
		out = append(out, v)
		return err
	}
	for _, d := range c.databases {
		if err := add(d.rid(), d.link(), d.offer, d.ts); err != nil {
			return nil, err
		}
		for _, each := range d.containers {
			if err := add(each.rid(), each.link(), each.offer, each.ts); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// listOffers answers GET and POST /offers. azcosmos looks an offer up by query, with the resource id of its owner.
func (s *Server) listOffers(_ context.Context, in call) (reply, error) {
	docs, err := s.catalog.offers()
	if err != nil {
		return reply{}, err
	}
	return s.answerList(in, list{name: "Offers", docs: docs})
}

// readOffer answers GET /offers/{id}.
func (s *Server) readOffer(_ context.Context, in call) (reply, error) {
	docs, err := s.catalog.offers()
	if err != nil {
		return reply{}, err
	}
	for _, doc := range docs {
		if doc.member("id").str == in.id {
			return documentReply(http.StatusOK, doc, doc.member("_etag").str), nil
		}
	}
	return reply{}, notFound()
}

// replaceOffer changes the throughput of the owner that the offer's id names.
func (s *Server) replaceOffer(ctx context.Context, in call) (reply, error) {
	v, err := decodeJSON(string(in.body))
	if err != nil {
		return reply{}, err
	}
	content, err := offerContent(v.member("content"))
	if err != nil {
		return reply{}, err
	}
	s.catalog.changing.Lock()
	defer s.catalog.changing.Unlock()
	for _, d := range s.catalog.all() {
		if offerMark+d.rid() == in.id && d.offer != "" {
			return s.setDatabaseOffer(ctx, in, d, content)
		}
		for _, c := range s.catalog.containers(d) {
			if offerMark+c.rid() == in.id && c.offer != "" {
				return s.setContainerOffer(ctx, in, c, content)
			}
		}
	}
	return reply{}, notFound()
}

// setDatabaseOffer stores and shows the throughput that a database shares among its containers.
func (s *Server) setDatabaseOffer(ctx context.Context, in call, d *database, content string) (reply, error) {
	err := s.change(ctx, in, func(w *session) error {
		return w.exec("UPDATE databases SET offer = ? WHERE num = ?", content, d.num)
	})
	if err != nil {
		return reply{}, err
	}
	s.catalog.show(func() { d.offer = content })
	return s.readOffer(ctx, in)
}

// setContainerOffer replaces the container, because containers are immutable for those who are using them.
func (s *Server) setContainerOffer(ctx context.Context, in call, c *container, content string) (reply, error) {
	err := s.change(ctx, in, func(w *session) error {
		return w.exec("UPDATE containers SET offer = ? WHERE num = ?", content, c.num)
	})
	if err != nil {
		return reply{}, err
	}
	next := *c
	next.offer = content
	s.catalog.show(func() { c.database.containers[c.id] = &next })
	return s.readOffer(ctx, in)
}
