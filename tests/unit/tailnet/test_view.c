/* SPDX-License-Identifier: BSD-3-Clause */
/* Views: a node is shared while it is the same; one whose key has expired is left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tailnet/view.h"

#define KEY(digit)                                                                                 \
	"nodekey:" #digit "000000000000000000000000000000000000000000000000000000000000001"

static void
apply(struct netmap *m, const char *json)
{
	struct netmap_news news;
	struct err err = {0};
	if (netmap_apply(m, json, strlen(json), &news, &err))
		fail_msg("%s", err.text);
}

static void
first(struct netmap *m)
{
	netmap_init(m);
	apply(m, "{\"Node\":{\"ID\":1,\"Key\":\"" KEY(1) "\"},\"Peers\":["
		"{\"ID\":2,\"Key\":\"" KEY(2) "\"},"
		"{\"ID\":3,\"Key\":\"" KEY(3) "\",\"Expired\":true},"
		"{\"ID\":4,\"Key\":\"" KEY(4) "\",\"KeyExpiry\":\"1970-01-01T00:01:40Z\"}]}");
}

static void
shares(void **state)
{
	struct netmap m;
	first(&m);
	struct tailnet_view *a = view_create(&m, 0);
	apply(&m, "{\"PeersChangedPatch\":[{\"NodeID\":4,\"Online\":true}]}");
	struct tailnet_view *b = view_create(&m, 0);
	netmap_fini(&m);
	assert_int_equal(a->n_peers, 2);
	assert_int_equal(b->n_peers, 2);
	assert_ptr_equal(a->peers[0], b->peers[0]);
	assert_ptr_not_equal(a->peers[1], b->peers[1]);
	assert_ptr_equal(a->self, b->self);
	assert_false(a->peers[1]->is_online);
	assert_true(b->peers[1]->is_online);
	assert_null(a->filters); /* none came: nothing may come in */
	view_destroy(a);
	view_destroy(b);
}

static void
expires(void **state)
{
	static const struct {
		int64_t now_s;
		size_t n_peers;
		int64_t next_s;
	} table[] = {{0, 2, 100}, {99, 2, 100}, {100, 1, INT64_MAX}, {1000, 1, INT64_MAX}};
	struct netmap m;
	first(&m);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct tailnet_view *v = view_create(&m, table[i].now_s);
		assert_int_equal(v->n_peers, table[i].n_peers);
		assert_int_equal(v->next_expiry_s, table[i].next_s);
		view_destroy(v);
	}
	netmap_fini(&m);
}

/* A jailed node may open nothing towards us; rules do not know that, so it is no peer. */
static void
jailed(void **state)
{
	struct netmap m;
	first(&m);
	apply(&m, "{\"PeersChanged\":[{\"ID\":5,\"Key\":\"" KEY(5) "\",\"IsJailed\":true}]}");
	struct tailnet_view *v = view_create(&m, 0);
	assert_int_equal(v->n_peers, 2);
	assert_int_equal(v->peers[1]->id, 4);
	view_destroy(v);
	apply(&m, "{\"PeersChanged\":[{\"ID\":5,\"Key\":\"" KEY(5) "\"}]}");
	v = view_create(&m, 0);
	assert_int_equal(v->n_peers, 3);
	view_destroy(v);
	netmap_fini(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares),
		cmocka_unit_test(expires),
		cmocka_unit_test(jailed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
