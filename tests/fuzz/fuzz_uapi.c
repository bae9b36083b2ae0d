/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A UAPI client that says anything, in pieces of any size (the first byte tells which). Against an
 * interface with a few peers, so that sets have something to work on: every change of a set that
 * is taken applies.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "source/uapi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static const struct origin nowhere;

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* Peers whose keys are 64 times the digit 1, 2 or 3, which the corpus names. */
static struct intent *
some_intent(void)
{
	struct intent *it = intent_create();
	must(it);
	struct interface_intent *i = intent_interface_add(it, "hg0");
	must(i);
	for (uint8_t n = 1; n <= 3; n++) {
		struct key k;
		struct prefix prefix = {addr_from_v4(0x0a000000u + n), 32};
		memset(k.bytes, n * 0x11, sizeof(k.bytes));
		struct peer_intent *p = peer_set_add(&i->peers, &k);
		must(p && allowed_add(&i->peers, p, &prefix, nowhere) == 0);
	}
	return it;
}

static void
apply_set(struct intent *it, const struct uapi_parser *p)
{
	struct change_list l;
	change_list_init(&l);
	must(uapi_changes(p, it->interfaces[0], &l) == 0);
	for (size_t i = 0; i < l.n; i++)
		must(intent_apply(it, &l.items[i]) == 0);
	change_list_fini(&l);
}

static void
handle(struct intent *it, const struct uapi_parser *p, enum uapi_event event)
{
	struct text out;
	struct status_interface status = {.listen_port = 1};
	text_init(&out);
	if (event == UAPI_SET)
		apply_set(it, p);
	else if (event == UAPI_GET)
		uapi_get(&status, &out);
	else
		must(event == UAPI_CLOSE || p->code < 0);
	uapi_answer(p->code, &out);
	must(!out.failed);
	text_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	if (n_bytes == 0)
		return 0;
	size_t step = 1u + data[0], n_used;
	struct intent *it = some_intent();
	struct uapi_parser p;
	enum uapi_event event = UAPI_MORE;
	uapi_parser_init(&p);
	for (size_t at = 1; at < n_bytes && event != UAPI_CLOSE; at += n_used) {
		event = uapi_feed(&p, (const char *)data + at, MIN_OF(step, n_bytes - at), &n_used);
		must(n_used > 0 && n_used <= step);
		if (event != UAPI_MORE)
			handle(it, &p, event);
	}
	uapi_parser_fini(&p);
	intent_destroy(it);
	return 0;
}
