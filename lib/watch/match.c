/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch/match.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

enum { LIST_BYTES = 160 };

/* ---- The words ---- */

static int
take_peer(struct watch_match *m, const char *value, struct err *err)
{
	if (m->peer_name)
		return err_set(err, -EINVAL, "only one peer can be named");
	m->peer_name = value;
	return 0;
}

static int
take_port(struct watch_match *m, const char *value, struct err *err)
{
	if (m->link_name)
		return err_set(err, -EINVAL, "only one port can be named");
	m->link_name = value;
	return 0;
}

static int
take_address(struct watch_match *m, const char *value, struct err *err)
{
	if (m->prefix.addr.family != ADDR_NONE)
		return err_set(err, -EINVAL, "only one address can be named");
	if (prefix_parse(value, &m->prefix))
		return err_set(err, -EINVAL, "address %s: it is an IP address or a prefix", value);
	return 0;
}

static int
take_reason(struct watch_match *m, const char *value, struct err *err)
{
	for (unsigned r = 0; r < DROP_REASONS; r++) {
		if (strcmp(drop_name((enum drop_reason)r), value) == 0) {
			m->reasons[r] = m->has_reasons = true;
			return 0;
		}
	}
	return err_set(err, -EINVAL,
		"reason %s: there is no such one; `headgate drops --json` lists all", value);
}

/* The place of value among n names, or -EINVAL with a sentence that lists them. */
static int
name_find(const char *const *names, unsigned n, const char *value, struct err *err)
{
	char list[LIST_BYTES] = "";
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(names[i], value) == 0)
			return (int)i;
		size_t at = strlen(list);
		snprintf(list + at, sizeof(list) - at, "%s%s", at ? ", " : "", names[i]);
	}
	return err_set(err, -EINVAL, "%s is not one of: %s", value, list);
}

static int
take_verdict(struct watch_match *m, const char *value, struct err *err)
{
	const char *names[VERDICTS];
	for (unsigned v = 0; v < VERDICTS; v++)
		names[v] = verdict_name((enum verdict)v);
	int at = name_find(names, VERDICTS, value, err);
	m->verdicts |= at < 0 ? 0 : 1u << at;
	return at < 0 ? at : 0;
}

static int
take_stage(struct watch_match *m, const char *value, struct err *err)
{
	const char *names[STAGES];
	for (unsigned s = 0; s < STAGES; s++)
		names[s] = stage_name((enum stage)s);
	int at = name_find(names, STAGES, value, err);
	m->stages |= at < 0 ? 0 : 1u << at;
	return at < 0 ? at : 0;
}

static const struct {
	const char *name;
	int (*take)(struct watch_match *m, const char *value, struct err *err);
} kinds[] = {
	{"peer", take_peer},
	{"address", take_address},
	{"port", take_port},
	{"reason", take_reason},
	{"verdict", take_verdict},
	{"stage", take_stage},
};

static int
take_pair(struct watch_match *m, const char *name, const char *value, struct err *err)
{
	for (unsigned i = 0; i < ARRAY_COUNT(kinds); i++) {
		if (strcmp(kinds[i].name, name) != 0)
			continue;
		return value ? kinds[i].take(m, value, err)
			     : err_set(err, -EINVAL, "%s needs a value after it", name);
	}
	return err_set(err, -EINVAL,
		"%s is none of: peer, address, port, reason, verdict, stage; a value follows each",
		name);
}

int
match_parse(struct watch_match *m, const char *const *words, unsigned n_words, struct err *err)
{
	*m = (struct watch_match){.link_id = MATCH_NO_LINK};
	if (n_words > MATCH_MAX_WORDS)
		return err_set(err, -EINVAL, "more than %d words", MATCH_MAX_WORDS);
	for (unsigned i = 0; i < n_words; i += 2) {
		int rc = take_pair(m, words[i], i + 1 < n_words ? words[i + 1] : NULL, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- The comparison ---- */

static bool
peer_is(const struct watch_peer *a, const struct watch_peer *b)
{
	return a->id == b->id && a->generation == b->generation;
}

static bool
flow_touches(const struct flow *f, const struct prefix *prefix)
{
	if (f->family != prefix->addr.family)
		return false;
	struct addr source = addr_from_bytes(f->family, f->source);
	struct addr destination = addr_from_bytes(f->family, f->destination);
	return prefix_has(prefix, &source) || prefix_has(prefix, &destination);
}

/* Without the word for it, what is only handed to another worker is left out: it comes again. */
static bool
verdict_holds(const struct watch_match *m, uint8_t verdict)
{
	return m->verdicts ? m->verdicts >> verdict & 1 : verdict != VERDICT_HANDOFF;
}

bool
match_holds(const struct watch_match *m, const struct watch_fate *fate,
	const struct watch_flows *flows)
{
	bool is_dropped = fate->verdict == VERDICT_DROP;
	if (!verdict_holds(m, fate->verdict) || (m->stages && !(m->stages >> fate->stage & 1)))
		return false;
	if (m->has_reasons && (!is_dropped || !m->reasons[fate->reason_or_target]))
		return false;
	if (m->peer.id && !peer_is(&m->peer, &fate->from) && !peer_is(&m->peer, &fate->to))
		return false;
	if (m->link_id != MATCH_NO_LINK && m->link_id != fate->first_link &&
		m->link_id != fate->in_link && m->link_id != fate->out_link)
		return false;
	return m->prefix.addr.family == ADDR_NONE || flow_touches(&flows->outer, &m->prefix) ||
	       flow_touches(&flows->inner, &m->prefix);
}
