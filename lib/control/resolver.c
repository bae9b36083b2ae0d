/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"

#define RETRY_FIRST_NS (2 * NS_IN_S)
#define RETRY_MAX_NS (60 * NS_IN_S)

enum job_state {
	JOB_FOUND,
	JOB_DUE,
	JOB_UNDER_WAY,
	JOB_WAITS,
};

/* Who asks; its bytes are the name in the table. */
struct asker {
	struct key peer;
	uint16_t iface_id;
};
_Static_assert(sizeof(struct asker) == KEY_BYTES + 2, "without padding");

struct resolver_job {
	uv_getaddrinfo_t request;
	struct resolver *resolver; /* NULL once forgotten: the answer is thrown away */
	TAILQ_ENTRY(resolver_job) in_list;
	struct hash_link link;
	struct asker asker;
	enum job_state state;
	struct endpoint found;     /* the last time; not known: never */
	bool is_given_up;
	bool is_told;              /* that a name known before leads nowhere now */
	uint16_t port;
	ns_t retry_at_ns;
	ns_t wait_ns;
	ns_t asked_at_ns;
	char host[];
};

void
resolver_init(struct resolver *r, uv_loop_t *loop)
{
	r->loop = loop;
	hash_init(&r->by_peer);
	TAILQ_INIT(&r->due);
	TAILQ_INIT(&r->waiting);
}

static struct asker
asker_of(uint16_t iface_id, const struct key *peer)
{
	return (struct asker){.peer = *peer, .iface_id = iface_id};
}

static struct resolver_job *
find(const struct resolver *r, const struct asker *asker)
{
	uint64_t hash = hash_of(&r->by_peer, asker, sizeof(*asker));
	for (struct hash_link *l = hash_first(&r->by_peer, hash); l; l = hash_next(l)) {
		struct resolver_job *job = CONTAINER_OF(l, struct resolver_job, link);
		if (memcmp(&job->asker, asker, sizeof(*asker)) == 0)
			return job;
	}
	return NULL;
}

/* ---- States ---- */

static void
leave_list(struct resolver_job *job)
{
	struct resolver *r = job->resolver;
	if (job->state == JOB_DUE)
		TAILQ_REMOVE(&r->due, job, in_list);
	else if (job->state == JOB_WAITS)
		TAILQ_REMOVE(&r->waiting, job, in_list);
}

static void
set_state(struct resolver_job *job, enum job_state state)
{
	struct resolver *r = job->resolver;
	leave_list(job);
	job->state = state;
	if (state == JOB_DUE)
		TAILQ_INSERT_TAIL(&r->due, job, in_list);
	else if (state == JOB_WAITS)
		TAILQ_INSERT_TAIL(&r->waiting, job, in_list);
}

static void
forget(struct resolver_job *job)
{
	struct resolver *r = job->resolver;
	leave_list(job);
	hash_remove(&r->by_peer, &job->link);
	job->resolver = NULL;
	if (job->state != JOB_UNDER_WAY) {
		free(job);
		return;
	}
	r->n_under_way--;
	uv_cancel((uv_req_t *)&job->request); /* its callback frees it */
}

void
resolver_fini(struct resolver *r)
{
	for (size_t i = 0; r->loop && i < r->by_peer.n_buckets; i++) {
		while (r->by_peer.buckets[i])
			forget(CONTAINER_OF(r->by_peer.buckets[i], struct resolver_job, link));
	}
	hash_fini(&r->by_peer);
}

void
resolver_forget(struct resolver *r, uint16_t iface_id, const struct key *peer)
{
	struct asker asker = asker_of(iface_id, peer);
	struct resolver_job *job = find(r, &asker);
	if (job)
		forget(job);
}

/* ---- Asking and answers ---- */

/* Without any address there is nothing else to try; with one, the next handshake asks again. */
static void
not_found(struct resolver_job *job, const char *why)
{
	char text[KEY_SHORT_BYTES];
	bool is_known = endpoint_is_known(&job->found);
	if (!is_known)
		log_warn("peer %s: cannot look up its Endpoint %s: %s; trying again in %u s",
			key_short(&job->asker.peer, text), job->host, why,
			(unsigned)(job->wait_ns / NS_IN_S));
	else if (!job->is_told)
		log_warn("peer %s: cannot look up its Endpoint %s again: %s; it is sought where "
			 "it was", key_short(&job->asker.peer, text), job->host, why);
	job->is_told = true;
	job->retry_at_ns = clock_boot_ns() + job->wait_ns;
	job->wait_ns = MIN_OF(2 * job->wait_ns, RETRY_MAX_NS);
	set_state(job, is_known ? JOB_FOUND : JOB_WAITS);
}

static void
found(struct resolver_job *job, const struct endpoint *e)
{
	struct resolver *r = job->resolver;
	const struct resolver_answer answer = {.iface_id = job->asker.iface_id,
		.peer = job->asker.peer, .now = *e, .before = job->found,
		.is_given_up = job->is_given_up};
	job->found = *e;
	job->is_told = job->is_given_up = false;
	set_state(job, JOB_FOUND);
	r->found(r->ctx, &answer); /* may forget the job */
}

static void ask_due(struct resolver *r);

static void
answered(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
	struct resolver_job *job = request->data;
	struct resolver *r = job->resolver;
	struct endpoint e = {0};
	if (!r) {
		uv_freeaddrinfo(list);
		free(job);
		return;
	}
	if (status == 0 && list)
		status = endpoint_from_sockaddr(list->ai_addr, &e);
	uv_freeaddrinfo(list);
	r->n_under_way--;
	e.port = job->port;
	if (status < 0 || e.addr.family == ADDR_NONE)
		not_found(job, status < 0 ? uv_strerror(status) : "it has no address");
	else
		found(job, &e);
	ask_due(r);
}

static void
ask(struct resolver *r, struct resolver_job *job)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};
	job->request.data = job;
	job->asked_at_ns = clock_boot_ns();
	int rc = uv_getaddrinfo(r->loop, &job->request, answered, job->host, NULL, &hints);
	if (rc) {
		not_found(job, uv_strerror(rc));
		return;
	}
	r->n_under_way++;
	set_state(job, JOB_UNDER_WAY);
}

static void
ask_due(struct resolver *r)
{
	struct resolver_job *job;
	while (r->n_under_way < RESOLVER_AT_ONCE && (job = TAILQ_FIRST(&r->due)))
		ask(r, job);
}

int
resolver_start(struct resolver *r, uint16_t iface_id, const struct key *peer, const char *host,
	uint16_t port)
{
	size_t host_bytes = strlen(host) + 1;
	resolver_forget(r, iface_id, peer);
	struct resolver_job *job = calloc(1, sizeof(*job) + host_bytes);
	if (!job)
		return -ENOMEM;
	job->resolver = r;
	job->asker = asker_of(iface_id, peer);
	job->port = port;
	job->wait_ns = RETRY_FIRST_NS;
	memcpy(job->host, host, host_bytes);
	if (hash_add(&r->by_peer, &job->link, hash_of(&r->by_peer, &job->asker,
			sizeof(job->asker)))) {
		free(job);
		return -ENOMEM;
	}
	set_state(job, JOB_DUE);
	ask_due(r);
	return 0;
}

void
resolver_again(struct resolver *r, uint16_t iface_id, const struct key *peer, bool is_given_up)
{
	struct asker asker = asker_of(iface_id, peer);
	struct resolver_job *job = r->by_peer.n ? find(r, &asker) : NULL;
	if (!job)
		return;
	if (job->state != JOB_FOUND) {
		job->is_given_up |= is_given_up;
		return;
	}
	ns_t age_ns = clock_boot_ns() - job->asked_at_ns;
	if (!is_given_up && age_ns < RESOLVER_AGAIN_S * NS_IN_S)
		return;
	job->is_given_up = is_given_up;
	set_state(job, JOB_DUE);
	ask_due(r);
}

void
resolver_tick(struct resolver *r, ns_t now)
{
	struct resolver_job *job, *next;
	for (job = TAILQ_FIRST(&r->waiting); job; job = next) {
		next = TAILQ_NEXT(job, in_list);
		if (now >= job->retry_at_ns)
			set_state(job, JOB_DUE);
	}
	ask_due(r);
}

bool
resolver_answer_counts(const struct resolver_answer *answer, const struct endpoint *current)
{
	if (endpoint_is_equal(&answer->now, current))
		return false;
	return answer->is_given_up || !endpoint_is_equal(&answer->now, &answer->before);
}
