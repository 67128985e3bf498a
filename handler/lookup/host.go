package lookup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/enrich"
)

const keepHosts = time.Hour

func isPublic(e *activity.Event) bool {
	addr, ok := enrich.CallerAddr(e.CallerIP)
	return ok && !addr.IsUnspecified() && enrich.KindOf(addr) == enrich.Public
}

// host tells the reverse name of a caller's address. Whoever owns the address writes that name, so it is told as a claim;
// the ones under Microsoft's own domains can be written by Azure only after it saw the name resolve to the address
// (learn: "Reverse DNS for Azure services").
func (s *Set) host(ctx context.Context, e *activity.Event) (alert.Learned, error) {
	addr, _ := enrich.CallerAddr(e.CallerIP)
	name, err := s.hosts.get(ctx, addr.String(), keepHosts, func(ctx context.Context) (string, error) {
		return s.reverse(ctx, addr.String())
	})
	if err != nil {
		return alert.Learned{}, err
	}
	return alert.Learned{Facts: []alert.Fact{{Name: "Host", Value: name + " by its reverse name" + kindOfHost(name)}}}, nil
}

func (s *Set) reverse(ctx context.Context, address string) (string, error) {
	names, err := s.resolve(ctx, address)
	var missing *net.DNSError
	switch {
	case errors.As(err, &missing) && missing.IsNotFound:
		return "", errNothing
	case err != nil:
		return "", fmt.Errorf("resolve address: %w", err)
	case len(names) == 0 || len(names[0]) > 253:
		return "", errNothing
	}
	return strings.TrimSuffix(names[0], "."), nil
}

// kindOfHost says that a name is one of Azure's.
func kindOfHost(name string) string {
	low := strings.ToLower(name)
	for _, domain := range []string{".cloudapp.azure.com", ".cloudapp.net", ".azurewebsites.net", ".cloudapp.azure.us", ".chinacloudapp.cn"} {
		if strings.HasSuffix(low, domain) {
			return ", an Azure service"
		}
	}
	return ""
}
