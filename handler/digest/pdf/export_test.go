package pdf

// Widths are those that a table's columns get.
func (d *Document) Widths(t Table) []float64 { return (&laid{Document: d, Table: t}).share() }
