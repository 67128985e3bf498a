package payload

import "github.com/auditbell/auditbell/handler/activity"

// CloudEvents 1.0: specversion, type, source and id at the top, one object or an array of them; the payload is data,
// or data_base64 (CloudEvents JSON format, section 3.1).

// isCloudEvent recognises the schema by its two required attributes that Event Grid's own lacks.
func isCloudEvent(it *item) bool { return it.top.specVersion.present() && it.top.typ.present() }

// readCloudEvent reads one event; Event Grid puts the same payload into either schema.
func readCloudEvent(it *item, r *Reading) error {
	return it.gridEvent(activity.FormCloudEvents, it.top.raw(it.top.typ), r)
}
