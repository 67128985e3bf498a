package infra_test

import (
	"testing"

	"github.com/auditbell/auditbell/infra"
)

func TestContainersArePlacedByPK(t *testing.T) {
	t.Parallel()
	layout, err := infra.ReadCosmos()
	if err != nil {
		t.Fatal(err)
	}
	if layout.Database == "" || len(layout.Containers) != 3 {
		t.Fatalf("layout = %+v, want a database and three containers", layout)
	}
	for _, c := range layout.Containers {
		if c.PartitionKeyPath != "/pk" {
			t.Errorf("container %s is partitioned by %s; every item of the store carries its key in pk", c.Name, c.PartitionKeyPath)
		}
	}
}
