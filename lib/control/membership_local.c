/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/membership_local.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "control/core.h"
#include "filter/ranges.h"

/* No destination of a packet that goes on, even if a route that is offered has it. */
static const char *const never[] = {"224.0.0.0/4", "169.254.0.0/16", "ff00::/8", "fe80::/10"};

static const char *const private[] = {EXIT_PRIVATE_NETWORKS};

/* Of link-local addresses the one that clouds have a service at, behind a route to it. */
static const char metadata_service[] = "169.254.169.254";

static int
add_texts(struct filter_ranges *s, const char *const *texts, size_t n)
{
	int rc = 0;
	for (size_t i = 0; i < n && !rc; i++) {
		struct prefix p;
		rc = prefix_parse(texts[i], &p);
		if (!rc)
			rc = filter_ranges_add_prefix(s, &p);
	}
	return rc;
}

static int
add_list(struct filter_ranges *s, const struct prefix_list *l)
{
	int rc = 0;
	for (size_t i = 0; i < l->n && !rc; i++)
		rc = filter_ranges_add_prefix(s, &l->items[i]);
	return rc;
}

/* The networks that this machine is in, as the kernel says or, before that, the config. */
static int
add_networks(const struct control *c, struct filter_ranges *s)
{
	const struct prefix *p;
	int rc = 0;
	for (size_t i = 0; (p = routes_network(c->routes, i)) && !rc; i++)
		rc = filter_ranges_add_prefix(s, p);
	for (size_t i = 0; i < c->running->n_ports && !rc; i++)
		rc = add_list(s, &c->running->ports[i]->addresses);
	return rc;
}

static int
add_internet(const struct control *c, struct filter_ranges *s)
{
	static const char *const all[] = {"0.0.0.0/0", "::/0"};
	struct filter_ranges holes = {0};
	int rc = add_texts(s, all, ARRAY_COUNT(all));
	if (!rc)
		rc = add_texts(&holes, private, ARRAY_COUNT(private));
	if (!rc)
		rc = add_networks(c, &holes);
	if (!rc)
		rc = filter_ranges_remove(s, &holes);
	filter_ranges_fini(&holes);
	return rc;
}

static int
remove_never(struct filter_ranges *s)
{
	struct filter_ranges holes = {0};
	int rc = add_texts(&holes, never, ARRAY_COUNT(never));
	if (!rc)
		rc = filter_ranges_remove(s, &holes);
	filter_ranges_fini(&holes);
	return rc;
}

static int
add_metadata_service(struct filter_ranges *s, const struct prefix_list *routes)
{
	struct prefix p;
	int rc = prefix_parse(metadata_service, &p);
	for (size_t i = 0; i < routes->n && !rc; i++) {
		if (prefix_has(&routes->items[i], &p.addr))
			return filter_ranges_add_prefix(s, &p);
	}
	return rc;
}

int
membership_local(const struct control *c, const struct headscale_intent *h,
	struct filter_ranges *out)
{
	int rc = h->offers_exit ? add_internet(c, out) : 0;
	if (!rc)
		rc = add_list(out, &h->routes);
	if (!rc)
		rc = remove_never(out);
	if (!rc)
		rc = add_metadata_service(out, &h->routes);
	if (!rc)
		rc = add_list(out, &c->membership.own);
	if (rc)
		filter_ranges_fini(out);
	else
		filter_ranges_merge(out);
	return rc;
}
