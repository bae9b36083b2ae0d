/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/watching_json.h"

#include <stdio.h>
#include <string.h>

#include "control/drops.h"

/* NULL: there is none, or it is gone already. */
static const struct control_peer *
peer_of(const struct control *c, const struct watch_peer *peer)
{
	const struct control_peer *p = peer->id ? peers_by_id(&c->peers, peer->id) : NULL;
	return p && tables_peer(c->tables, peer->id)->generation == peer->generation ? p : NULL;
}

static void
set(json_t *object, const char *field, json_t *value)
{
	if (value)
		json_object_set_new(object, field, value);
}

static json_t *
peer_json(const struct control *c, const struct watch_peer *peer)
{
	const struct control_peer *p = peer_of(c, peer);
	char key[KEY_BASE64_BYTES];
	if (!p)
		return NULL;
	const char *name = strchr(p->label, ' ');
	key_to_base64(&p->public_key, key);
	return json_pack("{s:s, s:s, s:s}", "interface", c->ifaces[p->iface_id].name, "name",
		name ? name + 1 : "", "public_key", key);
}

static json_t *
address_json(uint8_t family, const uint8_t *bytes)
{
	char text[ADDR_TEXT_BYTES];
	struct addr a = addr_from_bytes(family, bytes);
	return json_string(addr_format(&a, text));
}

static json_t *
flow_json(const struct flow *f)
{
	if (f->family == ADDR_NONE)
		return NULL;
	return json_pack("{s:o, s:o, s:i, s:i, s:i, s:i}", "source",
		address_json(f->family, f->source), "destination",
		address_json(f->family, f->destination), "protocol", f->protocol, "source_port",
		f->source_port, "destination_port", f->destination_port, "bytes", f->n_bytes);
}

static json_t *
link_json(const struct control *c, uint16_t link_id)
{
	const char *name = link_id < LINK_COUNT ? control_link_name(c, link_id) : "";
	return name[0] ? json_string(name) : NULL;
}

json_t *
watching_json(const struct control *c, const struct watch_record *r,
	const struct watch_flows *flows)
{
	const struct watch_fate *f = &r->fate;
	json_t *j = json_pack("{s:I, s:i, s:s, s:s, s:i}", "time_ns", (json_int_t)r->time_ns,
		"worker", r->worker, "verdict", verdict_name((enum verdict)f->verdict), "stage",
		stage_name((enum stage)f->stage), "bytes", (int)r->n_bytes);
	if (!j)
		return NULL;
	if (f->verdict == VERDICT_DROP) {
		set(j, "reason", json_string(drop_name((enum drop_reason)f->reason_or_target)));
		set(j, "why", json_string(drop_why((enum drop_reason)f->reason_or_target)));
	}
	set(j, "in", link_json(c, f->first_link));
	set(j, "out", link_json(c, f->out_link));
	set(j, "from", peer_json(c, &f->from));
	set(j, "to", peer_json(c, &f->to));
	set(j, "inner", flow_json(&flows->inner));
	set(j, "outer", flow_json(&flows->outer));
	return j;
}

void
watching_comment(const struct control *c, const struct watch_record *r,
	char out[WATCHING_COMMENT_BYTES])
{
	const struct watch_fate *f = &r->fate;
	const struct control_peer *p = peer_of(c, f->to.id ? &f->to : &f->from);
	const char *stage = stage_name((enum stage)f->stage);
	out[0] = 0;
	if (f->verdict == VERDICT_DROP)
		snprintf(out, WATCHING_COMMENT_BYTES, "dropped (%s): %s%s%s", stage,
			drop_name((enum drop_reason)f->reason_or_target), p ? ", " : "",
			p ? p->label : "");
	else if (f->verdict == VERDICT_KEPT)
		snprintf(out, WATCHING_COMMENT_BYTES, "waits (%s)%s%s", stage, p ? ": " : "",
			p ? p->label : "");
	else if (p)
		snprintf(out, WATCHING_COMMENT_BYTES, "%s", p->label);
}
