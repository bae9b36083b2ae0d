/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a coordination server, or a damaged file, may say: map messages (a zero byte between two),
 * the stream's frames, the answers to a registration and a question for the key, state files and
 * URLs. A map that was taken is sorted, has no node twice, and no node without a key.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "source/headscale/c2n.h"
#include "source/headscale/control_key.h"
#include "source/headscale/map_frames.h"
#include "source/headscale/netmap.h"
#include "source/headscale/packet_filter.h"
#include "source/headscale/proxy.h"
#include "source/headscale/register.h"
#include "source/headscale/server_url.h"
#include "source/headscale/state_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_map(const struct netmap *m)
{
	must(m->self && !key_is_zero(&m->self->key));
	for (size_t i = 0; i < m->n_peers; i++) {
		must(!key_is_zero(&m->peers[i]->key));
		must(i == 0 || m->peers[i - 1]->id < m->peers[i]->id);
		must(netmap_find(m, m->peers[i]->id) == m->peers[i]);
	}
}

static void
maps(const char *text, size_t n_bytes)
{
	struct netmap m;
	netmap_init(&m);
	for (size_t n; n_bytes; text += n, n_bytes -= n) {
		struct netmap_news news;
		struct err err;
		n = strnlen(text, n_bytes);
		if (netmap_apply(&m, text, n, &news, &err))
			netmap_begin_stream(&m);
		else if (!m.waits_for_first)
			check_map(&m);
		n += n < n_bytes;
	}
	netmap_fini(&m);
}

static void
frames(const uint8_t *data, size_t n_bytes)
{
	struct map_frames f;
	struct err err;
	must(map_frames_init(&f) == 0);
	if (map_frames_feed(&f, data, n_bytes, &err) == 0)
		while (map_frames_next(&f, &err) == 1)
			must(f.json.n_bytes <= MAP_MAX_BYTES + (1 << 20));
	map_frames_fini(&f);
}

static void
filters(const char *text, size_t n_bytes)
{
	const struct prefix all = {{{0}, ADDR_V4}, 0};
	struct filter_range everything = filter_range_of(&all);
	const struct filter_ranges local = {&everything, 1};
	struct filter_plan plan = {.is_on = true};
	struct err err;
	(void)packet_filter_parse(text, n_bytes, &local, &plan, &err);
	for (size_t i = 0; i < plan.n_rules; i++)
		must(plan.rules[i].n_sources && plan.rules[i].n_destinations);
	filter_plan_fini(&plan);
}

static void
requests(const uint8_t *data, size_t n_bytes)
{
	struct text out;
	text_init(&out);
	c2n_answer(data, n_bytes, &out);
	must(out.n_bytes && out.n_bytes < n_bytes + 200);
	text_fini(&out);
}

static void
answers(const char *text, size_t n_bytes)
{
	struct register_answer answer;
	struct err err;
	struct key k;
	(void)register_parse(text, n_bytes, &answer, &err);
	if (control_key_parse(text, n_bytes, &k, &err) == 0)
		must(!key_is_zero(&k));
}

/* A state that was taken reads the same when it was written again. */
static void
texts(const char *text)
{
	struct tailnet_state state, again;
	struct server_url url;
	struct text out;
	struct err err;
	struct proxy proxy;
	if (server_url_parse(text, &url) == 0)
		(void)proxy_is_left_out(text, &url);
	(void)proxy_parse(text, &proxy);
	if (state_parse(text, &state, &err))
		return;
	text_init(&out);
	state_format(&state, &out);
	must(state_parse(out.data, &again, &err) == 0);
	must(key_is_equal(&state.node_private, &again.node_private));
	must(key_is_equal(&state.machine_private, &again.machine_private));
	text_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	char *text = malloc(n_bytes + 1);
	must(text);
	memcpy(text, data, n_bytes);
	text[n_bytes] = 0;
	maps(text, n_bytes);
	frames(data, n_bytes);
	filters(text, n_bytes);
	requests(data, n_bytes);
	answers(text, n_bytes);
	texts(text);
	free(text);
	return 0;
}
