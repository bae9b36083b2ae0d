/* SPDX-License-Identifier: BSD-3-Clause */
#include "ping.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/key.h"
#include "client.h"
#include "whois.h"

enum { PINGS = 10 };

/* Who is pinged, as the status knows it. */
struct target {
	char key[KEY_BASE64_BYTES];
	char name[256];
	char address[64];
};

static void
copy(char *out, size_t n_bytes, const json_t *text)
{
	const char *value = json_string_value(text);
	snprintf(out, n_bytes, "%s", value ? value : "");
}

static int
find(const struct options *o, struct target *out, struct err *err)
{
	json_t *status;
	int rc = client_ask(&o->whom, "status", &status, err);
	if (rc)
		return rc;
	const json_t *peer = whois_find(status, o->words[1]);
	copy(out->key, sizeof(out->key), json_object_get(peer, "public_key"));
	copy(out->name, sizeof(out->name), json_object_get(peer, "name"));
	copy(out->address, sizeof(out->address),
		json_array_get(json_object_get(peer, "allowed_ips"), 0));
	out->address[strcspn(out->address, "/")] = 0;
	json_decref(status);
	return peer ? 0 : err_set(err, -ENOENT, "%s is no peer's address or name", o->words[1]);
}

static void
print_pong(const struct target *t, const struct options *o, const json_t *pong)
{
	double ms = 1000 * json_number_value(json_object_get(pong, "LatencySeconds"));
	if (o->is_json) {
		json_dumpf(pong, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		printf("pong from %s (%s) via %s in %.1f ms\n", t->name[0] ? t->name : t->key,
			t->address, json_string_value(json_object_get(pong, "Endpoint")), ms);
	}
	fflush(stdout);
}

/* 0: a pong; -ETIMEDOUT: none came, as err says; else there is no use in another try. */
static int
ping_once(const struct options *o, const struct target *t, struct err *err)
{
	char request[sizeof("ping ") + KEY_BASE64_BYTES];
	json_t *answer;
	snprintf(request, sizeof(request), "ping %s", t->key);
	int rc = client_ask(&o->whom, request, &answer, err);
	if (rc)
		return rc;
	const char *error = json_string_value(json_object_get(answer, "error"));
	if (json_is_true(json_object_get(answer, "ok")))
		print_pong(t, o, answer);
	else
		rc = err_set(err, json_is_true(json_object_get(answer, "timeout")) ? -ETIMEDOUT :
			-ENOENT, "%s: %s", t->name[0] ? t->name : t->key, error ? error :
			"headgated refused");
	json_decref(answer);
	return rc;
}

int
ping_run(const struct options *o, struct err *err)
{
	struct target t;
	uint32_t n = o->n_pkts ? o->n_pkts : PINGS;
	bool has_pong = false;
	int rc = find(o, &t, err);
	/* All our pongs are direct ones: with one the question of --until-direct is answered. */
	for (uint32_t i = 0; i < n && (!rc || rc == -ETIMEDOUT); i++) {
		if (has_pong)
			sleep(1);
		rc = ping_once(o, &t, err);
		has_pong |= !rc;
		if (rc == -ETIMEDOUT && i + 1 < n)
			fprintf(stderr, "%s\n", err->text);
		if (!rc && o->is_until_direct)
			break;
	}
	return has_pong ? 0 : rc;
}
