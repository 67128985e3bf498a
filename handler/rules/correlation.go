package rules

import (
	"time"

	"go.yaml.in/yaml/v4"
)

// Correlation is a Sigma 2 correlation: it rings when other rules match in number or together.
type Correlation struct {
	Type     string
	Timespan time.Duration
}

func (p *problems) parseCorrelation(n *yaml.Node) *Correlation {
	p.add(n.Line, "correlation rules are not supported yet")
	return nil
}
