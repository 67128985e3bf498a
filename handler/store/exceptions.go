package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// Items about exceptions, in the container of rollups. The exceptions themselves stand in one partition, because every
// instance reads all of them twice a minute:
//
//	pk exceptions   <id>            an exception that somebody made by a click
//	pk exc-<id>     day-<yyyymmdd>  how many records of that day it silenced, counted by their own time
//	                use-<event id>  this record was counted
//	                lapse           which record told that it has expired
type (
	exceptionItem struct {
		ID   string `json:"id"`
		PK   string `json:"pk"`
		Kind string `json:"kind"` // "exception"
		TTL  int    `json:"ttl"`
		alert.Exception
	}
	useItem struct {
		ID   string    `json:"id"`
		PK   string    `json:"pk"`
		Kind string    `json:"kind"` // "excepted", "use" or "lapse"
		At   time.Time `json:"at"`   // the latest; of a use and a lapse: when it was noted
		Day  string    `json:"day,omitempty"`
		For  string    `json:"exception"`
		By   string    `json:"by,omitempty"` // the record's id, of a use and a lapse
		Uses int       `json:"uses,omitempty"`
		TTL  int       `json:"ttl"`
	}
)

const exceptionsPK = "exceptions"

func usePK(exception string) string { return "exc-" + exception }

// Except keeps an exception; keeping it twice is keeping it once.
func (s *Store) Except(ctx context.Context, x alert.Exception) error {
	_, err := s.insert(ctx, exceptionsPK, exceptionItem{ID: x.ID, PK: exceptionsPK, Kind: "exception", TTL: seconds(keepAlerts), Exception: x})
	if err != nil && !errors.Is(err, errExists) {
		return fmt.Errorf("keep exception: %w", err)
	}
	return nil
}

// EndException ends an exception that was made by a click: it expires now. One that has ended stays as it is. The error is
// alert.ErrUnknown when there is none.
func (s *Store) EndException(ctx context.Context, id string, by alert.Person) (x alert.Exception, err error) {
	err = s.repeat(ctx, "end exception", lost, func(int) error {
		var item exceptionItem
		ref := itemRef{containerRollups, exceptionsPK, id}
		at, err := s.read(ctx, ref, &item)
		if x = item.Exception; err != nil || !x.Expires.After(s.now()) {
			return gone(err)
		}
		item.Expires, item.EndedBy = s.now().UTC(), &by
		_, err = s.write(ctx, ref, item, at.etag)
		x = item.Exception
		return err
	})
	return x, err
}

// gone is alert.ErrUnknown for an item that is not there.
func gone(err error) error {
	if errors.Is(err, errNotFound) {
		return alert.ErrUnknown
	}
	return err
}

// Exceptions lists the exceptions that were made by clicks, expired ones too.
func (s *Store) Exceptions(ctx context.Context) ([]alert.Exception, error) {
	const text = `SELECT c.exception, c.rules, c.actor, c.tenant, c.subscription, c.resource_group, c.owner, c.reason, c.alert, c.created, c.expires, c.alert_group, c.ended_by FROM c WHERE c.kind = 'exception'`
	return query[alert.Exception](ctx, s, crossQuery{container: containerRollups, text: text})
}

// Excepted counts e under an exception, once however often it is called with the same record.
func (s *Store) Excepted(ctx context.Context, exception string, e activity.Event) (ru float64, err error) {
	err = s.repeat(ctx, "count excepted record", lost, func(int) error {
		charge, err := s.exceptedOnce(ctx, exception, e)
		ru += charge
		return err
	})
	return ru, err
}

func (s *Store) exceptedOnce(ctx context.Context, exception string, e activity.Event) (ru float64, err error) {
	pk, now := usePK(exception), s.now().UTC()
	use := useItem{ID: "use-" + e.ID, PK: pk, Kind: "use", At: now, For: exception, By: e.ID, TTL: seconds(keepParked)}
	seen, err := s.read(ctx, itemRef{containerRollups, pk, use.ID}, nil)
	ru = seen.ru
	if err == nil || !errors.Is(err, errNotFound) {
		return ru, err
	}
	day := now
	if !e.Time.IsZero() {
		day = e.Time.UTC()
	}
	count := useItem{ID: "day-" + day.Format("20060102")}
	have, err := s.read(ctx, itemRef{containerRollups, pk, count.ID}, &count)
	ru += have.ru
	if err != nil && !errors.Is(err, errNotFound) {
		return ru, err
	}
	count = useItem{ID: count.ID, PK: pk, Kind: "excepted", At: now, Day: day.Format(time.DateOnly), For: exception, Uses: count.Uses + 1, TTL: seconds(keepAlerts)}
	var b batch
	b.create(use)
	if have.etag == "" {
		b.create(count)
	} else {
		b.replace(count.ID, count, have.etag)
	}
	charge, err := s.transact(ctx, containerRollups, pk, &b)
	return ru + charge, err
}

// Use is how much one exception silenced.
type Use struct {
	Exception string
	Records   int
	Last      time.Time // when the latest was counted
}

// Uses sums up what exceptions silenced, by exception.
func (s *Store) Uses(ctx context.Context) (map[string]Use, error) {
	const text = `SELECT c.exception, c.uses, c.at FROM c WHERE c.kind = 'excepted'`
	days, err := query[useItem](ctx, s, crossQuery{container: containerRollups, text: text})
	uses := make(map[string]Use, len(days))
	for _, d := range days {
		u := uses[d.For]
		u.Exception, u.Records = d.For, u.Records+d.Uses
		if d.At.After(u.Last) {
			u.Last = d.At
		}
		uses[d.For] = u
	}
	return uses, err
}

// Lapse notes that e is a finding after the exception has expired, and returns the id of the first such record.
func (s *Store) Lapse(ctx context.Context, exception string, e activity.Event) (first string, err error) {
	item := useItem{ID: "lapse", PK: usePK(exception), Kind: "lapse", At: s.now().UTC(), For: exception, By: e.ID, TTL: seconds(keepAlerts)}
	_, err = s.insert(ctx, item.PK, item)
	if err == nil || !errors.Is(err, errExists) {
		return e.ID, err
	}
	_, err = s.read(ctx, itemRef{containerRollups, item.PK, item.ID}, &item)
	return item.By, err
}

// insert creates an item in the container of rollups.
func (s *Store) insert(ctx context.Context, pk string, item any) (ru float64, err error) {
	body, err := json.Marshal(item)
	if err != nil {
		return 0, err
	}
	return s.do(ctx, containerRollups, func(ctx context.Context, c *azcosmos.ContainerClient) (float32, error) {
		r, err := c.CreateItem(ctx, azcosmos.NewPartitionKeyString(pk), body, nil)
		return r.RequestCharge, err
	})
}

// transact executes a batch in one partition once: it is not repeated here, because its conditions hold for what was
// read.
func (s *Store) transact(ctx context.Context, container, pk string, b *batch) (ru float64, err error) {
	if b.err != nil {
		return 0, fmt.Errorf("write batch: %w", b.err)
	}
	charge, err := s.attempt(ctx, container, func(ctx context.Context, c *azcosmos.ContainerClient) (float32, error) {
		t := c.NewTransactionalBatch(azcosmos.NewPartitionKeyString(pk))
		for _, step := range b.steps {
			step(&t)
		}
		response, err := c.ExecuteTransactionalBatch(ctx, t, nil)
		if err == nil && !response.Success {
			err = refused(response.OperationResults)
		}
		b.results = response.OperationResults
		return response.RequestCharge, err
	})
	return float64(charge), err
}
