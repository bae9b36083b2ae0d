/* SPDX-License-Identifier: BSD-3-Clause */
/* Changes as values and lists of them. The kinds stand in the table of intent/change.h. */
#include "intent/change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "filter/rule.h"
#include "intent/array.h"

enum value_kind {
	VALUE_none,
	VALUE_text,
	VALUE_number,
	VALUE_key,
	VALUE_prefix,
	VALUE_addr,
	VALUE_endpoint,
	VALUE_neighbour,
	VALUE_hooks,
	VALUE_table,
	VALUE_filter,
	VALUE_headscale,
};

static const struct {
	const char *name;
	enum value_kind value;
	const char *restart;
} kinds[CHANGE_N_KINDS] = {
#define X(kind, value, restart) {#kind, VALUE_##value, restart},
	CHANGE_KINDS(X)
#undef X
};

void
change_list_init(struct change_list *l)
{
	*l = (struct change_list){0};
}

/* The one text that a change may own. */
static char **
text_of(struct change *c)
{
	enum value_kind v = kinds[c->kind].value;
	return v == VALUE_text ? &c->text : v == VALUE_endpoint ? &c->endpoint.host : NULL;
}

void
change_list_fini(struct change_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		char **text = text_of(&l->items[i]);
		if (text)
			free(*text);
		if (kinds[l->items[i].kind].value == VALUE_hooks)
			hook_list_fini(&l->items[i].hooks);
		if (kinds[l->items[i].kind].value == VALUE_filter)
			filter_plan_destroy(l->items[i].filter);
		if (kinds[l->items[i].kind].value == VALUE_headscale)
			headscale_intent_destroy(l->items[i].headscale);
	}
	array_free(l->items, l->n, sizeof(*l->items));
	*l = (struct change_list){0};
}

/* What c points to, which is somebody else's, becomes a copy of its own. */
static int
own(struct change *c)
{
	char **text = text_of(c);
	if (text && *text && !(*text = strdup(*text)))
		return -ENOMEM;
	if (kinds[c->kind].value == VALUE_filter)
		return c->filter && !(c->filter = filter_plan_copy(c->filter)) ? -ENOMEM : 0;
	if (kinds[c->kind].value == VALUE_headscale && c->headscale &&
		!(c->headscale = headscale_intent_copy(c->headscale)))
		return -ENOMEM;
	if (kinds[c->kind].value != VALUE_hooks)
		return 0;
	struct hook_list theirs = c->hooks;
	c->hooks = (struct hook_list){0};
	return hook_list_set(&c->hooks, &theirs);
}

int
change_list_add(struct change_list *l, const struct change *c)
{
	struct change *items = array_grow(l->items, l->n, sizeof(*items));
	if (!items)
		return -ENOMEM;
	l->items = items;
	items[l->n] = *c;
	int rc = own(&items[l->n]);
	if (rc)
		secret_wipe(&items[l->n], sizeof(*items));
	else
		l->n++;
	return rc;
}

const char *
change_name(enum change_kind kind)
{
	return (unsigned)kind < CHANGE_N_KINDS ? kinds[kind].name : "?";
}

const char *
change_needs_restart(const struct change *c)
{
	return kinds[c->kind].restart;
}

static const char *
format_endpoint(const struct endpoint_intent *e, char *out, size_t n_bytes)
{
	char text[ENDPOINT_TEXT_BYTES];
	if (e->host)
		snprintf(out, n_bytes, "%s:%u", e->host, e->host_port);
	else
		snprintf(out, n_bytes, "%s", endpoint_format(&e->addr, text));
	return out;
}

static const char *
format_neighbour(const struct neighbour_intent *n, char *out, size_t n_bytes)
{
	char ip[ADDR_TEXT_BYTES], mac[MAC_TEXT_BYTES];
	snprintf(out, n_bytes, "%s %s", addr_format(&n->ip, ip), mac_format(&n->mac, mac));
	return out;
}

static const char *
format_value(const struct change *c, char *out, size_t n_bytes)
{
	char text[PREFIX_TEXT_BYTES];
	switch (kinds[c->kind].value) {
	case VALUE_none:
		return "";
	case VALUE_text:
		return c->text ? c->text : "";
	case VALUE_number:
		snprintf(out, n_bytes, "%lld", (long long)c->number);
		return out;
	case VALUE_key:
		return key_is_zero(&c->key) ? "(none)" : "(hidden)";
	case VALUE_prefix:
		snprintf(out, n_bytes, "%s", prefix_format(&c->prefix, text));
		return out;
	case VALUE_addr:
		snprintf(out, n_bytes, "%s", addr_format(&c->addr, text));
		return out;
	case VALUE_endpoint:
		return format_endpoint(&c->endpoint, out, n_bytes);
	case VALUE_neighbour:
		return format_neighbour(&c->neighbour, out, n_bytes);
	case VALUE_hooks:
		snprintf(out, n_bytes, "%zu command%s", c->hooks.n, c->hooks.n == 1 ? "" : "s");
		return out;
	case VALUE_headscale:
		return c->headscale ? c->headscale->server : "none";
	case VALUE_table:
		snprintf(out, n_bytes, "%s %u",
			c->table.mode == TABLE_AUTO  ? "auto"
			: c->table.mode == TABLE_OFF ? "off"
						     : "number",
			c->table.id);
		return out;
	case VALUE_filter:
		snprintf(out, n_bytes, c->filter ? "%zu rules" : "off",
			c->filter ? c->filter->n_rules : 0);
		return out;
	}
	return "?";
}

const char *
change_format(const struct change *c, char out[512])
{
	char value[320], peer[KEY_SHORT_BYTES] = "";
	if (c->kind >= CHANGE_PEER_ADD)
		key_short(&c->peer, peer);
	const char *v = format_value(c, value, sizeof(value));
	snprintf(out, 512, "%s%s%s%s%s%s%s", c->on, c->on[0] ? " " : "", change_name(c->kind),
		peer[0] ? " " : "", peer, v[0] ? " " : "", v);
	return out;
}
